"""Vacancy hops against ASE's own bands, with a potential that costs nothing: copper by EMT."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.mep import NEB
from ase.optimize import FIRE

from dualion.screening.hops.hop_list import hops_of
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError, StructureError
from dualion.workflows.doping.relaxation import StopRequested
from dualion.workflows.neb.band import BandOptions
from dualion.workflows.neb.cell import carried_displacements, hop_cell
from dualion.workflows.neb.folder import NebFolder
from dualion.workflows.neb.forces import Potential
from dualion.workflows.neb.hop_barriers import HopCalculation, relax_vacancy
from dualion.workflows.neb.images import start_images

COPPER = MobileIon(29, 1.0)
TIGHT = BandOptions(force_ev_angstrom=0.01, end_force_ev_angstrom=0.005)


def copper(turn=None):
    """Face-centred cubic copper at the lattice constant of EMT."""
    cell = np.array(bulk("Cu", "fcc", a=3.59).cell)
    return IonicCrystal(
        cell=cell if turn is None else cell @ turn, frac=np.zeros((1, 3)), numbers=np.array([29]),
        charges=np.ones(1), occupancies=np.ones(1),
    )  # fmt: skip


def stretched_copper():
    """Hexagonal copper, stretched along c: its two sites are related by a screw axis."""
    atoms = bulk("Cu", "hcp", a=2.54, c=4.5)
    return IonicCrystal(
        cell=np.array(atoms.cell), frac=atoms.get_scaled_positions(), numbers=atoms.numbers,
        charges=np.ones(2), occupancies=np.ones(2),
    )  # fmt: skip


def emt():
    return Potential(name="emt", calculator=EMT())


def calculation(crystal=None, options=TIGHT, **more):
    cell = hop_cell(crystal or copper(), COPPER, smallest_width_angstrom=7.0, least_atoms=1)
    hops = hops_of(cell.sites)
    unknown = np.full((len(hops.chosen), 3), np.nan)
    return HopCalculation(cell, hops, emt(), options, saddles_frac=unknown, **more)


@pytest.fixture(scope="module")
def hop():
    done = calculation()
    return done, done.barrier(0)


def plain_barrier(cell):
    """The barrier of one hop as ASE computes it alone: ends relaxed, a straight band, climbing."""
    first = bulk("Cu", "fcc", a=3.59)
    from ase.build import make_supercell

    large = make_supercell(first, cell.supercell.matrix)
    distances = large.get_distances(0, range(len(large)), mic=True)
    near = int(np.flatnonzero(np.abs(distances - 3.59 / np.sqrt(2)) < 1e-3)[0])
    ends = [large.copy(), large.copy()]
    ends[1].positions[near] -= large.get_distance(0, near, mic=True, vector=True)
    del ends[0][0], ends[1][0]
    for end in ends:
        end.calc = EMT()
        FIRE(end, logfile=None).run(fmax=0.005, steps=300)
    images = [ends[0], *(ends[0].copy() for _ in range(3)), ends[1]]
    for image in images[1:-1]:
        image.calc = EMT()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        band = NEB(images, climb=True, k=1.0, method="improvedtangent")
        band.interpolate(mic=True)
        FIRE(band, logfile=None).run(fmax=0.01, steps=300)
    energies = [image.get_potential_energy() for image in images]
    return max(energies) - energies[0]


def test_the_barrier_is_that_of_a_plain_band(hop):
    done, found = hop
    assert found.rises_ev[0] == pytest.approx(plain_barrier(done.cell), abs=0.005)
    assert found.rises_ev[0] == pytest.approx(found.rises_ev[1], abs=0.003)
    assert found.flags == ()
    assert found.reason == ""
    assert len(found.images) == 5


def test_both_ends_come_from_one_relaxed_vacancy(hop):
    done, _ = hop
    assert len(done.ends) == 1


def test_a_turned_crystal_has_the_same_barrier(hop):
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    found = calculation(copper(turn)).barrier(0)
    assert found.rises_ev[0] == pytest.approx(hop[1].rises_ev[0], abs=0.005)


def test_displacements_carried_by_symmetry_are_those_relaxed_there():
    cell = hop_cell(stretched_copper(), COPPER, smallest_width_angstrom=7.0, least_atoms=1)
    source = relax_vacancy(cell, 0, emt(), TIGHT)
    target = int(np.flatnonzero(cell.large_sites.orbits == 0)[-1])
    there = relax_vacancy(cell, target, emt(), TIGHT)
    carried = carried_displacements(cell, source.displacements_angstrom, 0, target)
    assert np.abs(source.displacements_angstrom).max() > 0.02
    np.testing.assert_allclose(carried, there.displacements_angstrom, atol=1e-3)
    unturned = np.roll(source.displacements_angstrom, target, axis=0)
    assert np.abs(unturned - there.displacements_angstrom).max() > 0.02
    assert there.energy_ev == pytest.approx(source.energy_ev, abs=1e-3)


def test_a_band_that_is_cut_short_gives_no_barrier():
    found = calculation(options=BandOptions(most_steps=1, force_ev_angstrom=0.001)).barrier(0)
    assert "not_converged" in found.flags
    assert np.isnan(found.rises_ev[0]) == (found.largest_force_ev_angstrom > 0.2)
    assert bool(found.reason) == (found.largest_force_ev_angstrom > 0.2)


def test_a_stop_ends_a_hop_between_two_steps():
    with pytest.raises(StopRequested):
        calculation(stop=lambda: True).barrier(0)


def test_a_bent_path_passes_its_saddle():
    first = bulk("Cu", "fcc", a=3.6, cubic=True) * (2, 2, 2)
    del first[1]
    last = first.copy()
    last.positions[0] += (0.0, 1.8, 1.8)
    saddle = first.positions[0] + (0.6, 0.9, 0.9)
    images = start_images(first, last, 0, 3, saddle)
    np.testing.assert_allclose(images[2].positions[0], saddle)
    np.testing.assert_allclose(images[2].positions[1:], first.positions[1:])


def test_a_cell_over_the_limit_is_refused():
    with pytest.raises(InputError, match="at most 20 atoms"):
        hop_cell(copper(), COPPER, smallest_width_angstrom=9.0, most_atoms=20)


def test_a_potential_that_fails_is_a_reason():
    class Broken(EMT):
        def calculate(self, *args, **more):
            raise KeyError("Uuo")

    with pytest.raises(StructureError, match="broken failed: KeyError"):
        Potential(name="broken", calculator=Broken()).evaluate([bulk("Cu")])


def test_hops_and_vacancies_are_read_back(hop, tmp_path):
    done, found = hop
    folder = NebFolder(tmp_path)
    folder.save_hop(found)
    end = next(iter(done.ends.values()))
    folder.save_end(end)
    (again,) = folder.hops().values()
    assert (again.rises_ev, again.energies_ev) == (found.rises_ev, found.energies_ev)
    back = folder.ends()[end.site]
    np.testing.assert_array_equal(back.displacements_angstrom, end.displacements_angstrom)
    assert back.energy_ev == end.energy_ev


def test_a_folder_of_another_calculation_is_refused(tmp_path):
    NebFolder(tmp_path).claim({"potential": "chgnet", "images": 3})
    NebFolder(tmp_path).claim({"potential": "chgnet", "images": 3})
    with pytest.raises(InputError, match=r"images differ"):
        NebFolder(tmp_path).claim({"potential": "chgnet", "images": 5})


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "hop-0000.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"hop-0000\.json is damaged"):
        NebFolder(tmp_path).hops()
