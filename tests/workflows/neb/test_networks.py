"""Whole networks with a cheap ionic potential: symmetry, bad input, a run that was killed."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from born_mayer import BornMayer

from dualion.screening.hops.vacancy import vacancy_hops
from dualion.screening.ions import MobileIon
from dualion.structures.conversion import to_atoms
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import StructureError
from dualion.structures.supercells import make_supercell
from dualion.workflows.doping.relaxation import RelaxOptions
from dualion.workflows.neb.band import BandOptions
from dualion.workflows.neb.cell import hop_cell
from dualion.workflows.neb.forces import Potential
from dualion.workflows.neb.hop_barriers import HopCalculation
from dualion.workflows.neb.host import coordinations, gain_when_shaken, host_flags
from dualion.workflows.neb.mirror import mirror_of
from dualion.workflows.neb.run import NebOptions, structure_barriers

LI, NA, CL = MobileIon(3, 1.0), MobileIon(11, 1.0), MobileIon(17, -1.0)
OPTIONS = NebOptions(
    band=BandOptions(force_ev_angstrom=0.01, end_force_ev_angstrom=0.005),
    smallest_width_angstrom=9.0,
)


def rock_salt(cation=11, anion=17, edge=5.7):
    return IonicCrystal(
        cell=edge / 2 * (np.ones((3, 3)) - np.eye(3)),
        frac=np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]),
        numbers=np.array([cation, anion]),
        charges=np.array([1.0, -1.0]),
        occupancies=np.ones(2),
    )


def turned(crystal):
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    return IonicCrystal(
        cell=crystal.cell @ turn, frac=crystal.frac + 0.123, numbers=crystal.numbers,
        charges=crystal.charges, occupancies=crystal.occupancies,
    )  # fmt: skip


def computed(crystal, path, options=OPTIONS, ions=(NA, CL), **more):
    potential = Potential(name="born_mayer", calculator=BornMayer())
    return structure_barriers(crystal, ions, potential, options, path, **more)


def test_forces_and_stress_are_slopes_of_the_energy():
    """The potential of these tests itself."""
    atoms = to_atoms(make_supercell(rock_salt(), [2, 2, 2]))
    atoms.rattle(0.1, seed=2)
    atoms.calc = BornMayer()
    forces = calculate_numerical_forces(atoms, 1e-4)
    np.testing.assert_allclose(atoms.get_forces(), forces, atol=1e-4)
    stress = calculate_numerical_stress(atoms, 1e-5, force_consistent=False)
    np.testing.assert_allclose(atoms.get_stress(), stress, atol=1e-5)


@pytest.fixture(scope="module")
def salt(tmp_path_factory):
    return computed(rock_salt(), tmp_path_factory.mktemp("salt"))


def test_rock_salt_has_one_hop_an_ion_and_one_barrier_in_all_dimensions(salt):
    assert not salt.problems
    for network in salt.ions.values():
        assert network.hops == 1
        assert network.left == ()
        assert len(set(network.barriers_ev)) == 1
        assert 0.2 < network.barriers_ev[0] < 2.0
        assert network.flags == ()
    assert salt.coordination == {"Cl-": (6.0, 6.0), "Na+": (6.0, 6.0)}
    assert salt.host_converged


@pytest.mark.slow
@pytest.mark.parametrize("change", ["conventional", "turned"])
def test_barriers_do_not_depend_on_how_the_cell_is_written(change, salt, tmp_path):
    crystal = rock_salt()
    if change == "turned":
        crystal = turned(crystal)
    else:
        crystal = make_supercell(crystal, [[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
        assert len(crystal.numbers) == 8
    found = computed(crystal, tmp_path)
    for ion, network in salt.ions.items():
        assert found.ions[ion].hops == 1
        np.testing.assert_allclose(found.ions[ion].barriers_ev, network.barriers_ev, atol=0.005)


@pytest.mark.parametrize("images", [3, 4])
def test_half_of_a_symmetric_band_follows_from_the_other_half(images, monkeypatch):
    """Of an even number none lies in the middle: the band is whole once one of a pair climbs."""
    found = []
    limits = replace(OPTIONS.band, images=images)
    for mirror in (mirror_of, lambda *_: None):
        monkeypatch.setattr("dualion.workflows.neb.hop_barriers.mirror_of", mirror)
        host, potential = rock_salt(edge=5.812), Potential(name="bm", calculator=BornMayer())
        hops = vacancy_hops(host, NA)
        saddles = hops.energies.saddles_frac
        calculation = HopCalculation(
            hop_cell(host, NA), hops.hops, potential, limits, saddles_frac=saddles
        )
        found.append((calculation.barrier(0), potential.calls))
    (half, few), (whole, many) = found
    assert half.rises_ev[0] == pytest.approx(whole.rises_ev[0], abs=0.001)
    assert few < many
    if images % 2 == 0:
        return
    np.testing.assert_allclose(half.energies_ev, whole.energies_ev, atol=1e-6)
    assert half.steps == whole.steps
    assert few < 0.75 * many
    for one, other in zip(half.images, whole.images, strict=True):
        np.testing.assert_allclose(one.get_forces(), other.get_forces(), atol=1e-4)
        np.testing.assert_allclose(one.positions, other.positions, atol=1e-4)


def test_the_bottleneck_alone_gives_the_barrier_where_its_plane_is_one_of_symmetry(salt, tmp_path):
    options = NebOptions(
        band=BandOptions(force_ev_angstrom=0.01, end_force_ev_angstrom=0.005, bottleneck_only=True)
    )
    found = computed(rock_salt(), tmp_path, options)
    for ion, network in salt.ions.items():
        np.testing.assert_allclose(found.ions[ion].barriers_ev, network.barriers_ev, atol=0.01)
        assert found.ions[ion].flags == ("bottleneck_only",)


def test_an_element_that_the_potential_does_not_know_is_one_sentence(tmp_path):
    with pytest.raises(StructureError, match="KeyError: 19") as failure:
        computed(rock_salt(cation=19, edge=6.3), tmp_path, ions=(MobileIon(19, 1.0), CL))
    assert failure.value.reason == "engine_failed"


def test_an_ion_without_a_second_site_in_reach_is_one_sentence_and_the_other_is_kept(tmp_path):
    """One lithium in 64 atoms of sodium chloride."""
    doubled = 2 * np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
    large = make_supercell(rock_salt(), doubled)
    numbers, charges = large.numbers.copy(), large.charges.copy()
    numbers[int(np.flatnonzero(numbers == 11)[0])] = 3
    crystal = IonicCrystal(
        cell=large.cell, frac=large.frac, numbers=numbers, charges=charges,
        occupancies=large.occupancies,
    )  # fmt: skip
    found = computed(crystal, tmp_path, ions=(LI,))
    assert "no site or periodic image in reach" in found.problems["Li+"]


def test_a_cell_over_the_limit_is_one_sentence(tmp_path):
    options = NebOptions(most_atoms=20)
    found = computed(rock_salt(), tmp_path, options)
    assert set(found.problems) == {"Na+", "Cl-"}
    assert "at most 20 atoms" in found.problems["Na+"]


def test_a_host_whose_symmetry_does_not_last_is_flagged():
    """Li⁺ of this potential leaves the middle of its octahedron in a cell of many."""
    potential = Potential(name="born_mayer", calculator=BornMayer())
    gains = []
    for cation, edge in ((3, 5.143), (11, 5.812)):
        large = make_supercell(rock_salt(cation=cation, edge=edge), [2, 2, 2])
        limits = RelaxOptions(force_ev_angstrom=0.01, cell=False)
        gains.append(gain_when_shaken(large, potential, limits))
    assert gains[0] > 0.02
    assert gains[1] == pytest.approx(0.0, abs=1e-4)
    assert host_flags({"shaken_gain_ev_atom": gains[0]}) == ("host_not_a_minimum",)


def test_a_structure_that_falls_apart_is_told_with_its_reason(tmp_path):
    with pytest.raises(StructureError) as failure:
        computed(rock_salt(edge=9.0), tmp_path)
    assert failure.value.reason in ("cell_ran_away", "atoms_too_close")


def test_another_coordination_and_an_unstable_host_are_flagged():
    assert coordinations(rock_salt()) == {"Cl-": 6.0, "Na+": 6.0}
    assert host_flags({"coordination": {"Li+": [6.0, 6.0]}, "shaken_gain_ev_atom": 0.001}) == ()
    assert host_flags({"coordination": {"Li+": [6.0, 5.1]}}) == ("host_rearranged",)
    assert host_flags({"shaken_gain_ev_atom": 0.0021}) == ("host_not_a_minimum",)


def command(folder):
    tree = Path(__file__).parents[3]
    folders = (str(Path(__file__).parents[1]), str(tree), os.environ.get("PYTHONPATH", ""))
    return subprocess.Popen(
        [sys.executable, "-m", "dualion", "neb", "NaCl", "--engine", "born_mayer:BornMayer",
         "--output", str(folder), "--force", "0.01"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)}, cwd=tree,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def table(folder):
    with (folder / "neb.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_killed_and_started_again_no_hop_is_computed_twice(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    with command(broken) as first:
        limit = time.monotonic() + 300.0
        while not list(broken.rglob("hop-*.json")) and time.monotonic() < limit:
            assert first.poll() is None, first.stdout.read()
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
    kept = {file: file.stat().st_mtime_ns for file in broken.rglob("*-0*.json")}
    assert any(file.name.startswith("hop") for file in kept)
    assert any(file.name.startswith("vacancy") for file in kept)
    for folder in (broken, whole):
        with command(folder) as run:
            text, _ = run.communicate(timeout=300)
        assert run.returncode == 0, text
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    assert table(broken) == table(whole)
