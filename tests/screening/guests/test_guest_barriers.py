"""Guests: energies against double loops, invariances, and measured interstitial migration."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from conftest import ionic
from crystals import fluorite, reference_crystal
from hop_reference import images_around
from scipy.optimize import minimize

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.barriers import landscape
from dualion.screening.bvse.field import framework_of
from dualion.screening.bvse.potential import PRESETS, pair_of
from dualion.screening.guests.barriers import GuestOptions, guest_barriers
from dualion.screening.guests.thresholds import _gains
from dualion.screening.hops.lattice_response import springs_of
from dualion.screening.ions import MobileIon
from dualion.structures.errors import InputError
from dualion.structures.supercells import make_supercell

LITHIUM, CALCIUM = MobileIon(3, 1.0), MobileIon(20, 2.0)
IODIDE, CHLORIDE, FLUORIDE = (MobileIon(z, -1.0) for z in (53, 17, 9))
DUALION = PRESETS["dualion"]
RIGID = GuestOptions(
    barriers=BarrierOptions(potential=DUALION, mechanism="interstitial", lattice="rigid")
)


def site_energy(host, guest, place):
    """Energy of a guest at a Cartesian place by a double loop over ions and images, eV."""
    total = 0.0
    for entry, there in images_around(host, place, DUALION.cutoff_angstrom):
        z, q = int(host.numbers[entry]), float(host.charges[entry])
        pair, _ = pair_of(guest, z, q, DUALION)
        r = np.linalg.norm(there - place)
        total += host.occupancies[entry] * float(pair.energy_ev(np.array([r]))[0])
    return total


@pytest.fixture(scope="module")
def gamma():
    return reference_crystal("Li3PS4_gamma")


@pytest.fixture(scope="module")
def iodide_in_gamma(gamma):
    return guest_barriers(gamma, IODIDE, LITHIUM)


@pytest.mark.parametrize("guest", [IODIDE, FLUORIDE])
@pytest.mark.parametrize("name", ["Li3PS4_gamma", "Li6PS5I"])
def test_the_insertion_energy_is_a_double_loop_over_the_complete_host(name, guest):
    """Also with the host's own iodide, which stays; and the place is a minimum."""
    host = reference_crystal(name)
    found = guest_barriers(host, guest, LITHIUM, RIGID)
    place = found.site_frac @ host.cell
    assert found.insertion_ev == found.insertion_rigid_ev
    assert found.insertion_ev == pytest.approx(site_energy(host, guest, place), abs=2e-3)
    for step in 0.05 * np.vstack([np.eye(3), -np.eye(3)]):
        assert site_energy(host, guest, place + step) > found.insertion_ev - 1e-3


def test_the_rigid_barriers_are_those_of_the_interstitial_landscape(gamma, iodide_in_gamma):
    options = BarrierOptions(potential=DUALION, mechanism="interstitial")
    assert iodide_in_gamma.in_place.rigid_ev == pytest.approx(
        landscape(gamma, IODIDE, options).barriers.refined_ev, abs=5e-3
    )


def test_without_cations_is_a_host_from_which_they_were_cut(gamma, iodide_in_gamma):
    kept = gamma.numbers != 3
    parts = {n: getattr(gamma, n)[kept] for n in ("frac", "numbers", "charges", "occupancies")}
    cut = dataclasses.replace(gamma, **parts)
    options = BarrierOptions(potential=DUALION, mechanism="interstitial")
    assert iodide_in_gamma.removed.rigid_ev == pytest.approx(
        landscape(cut, IODIDE, options).barriers.refined_ev, abs=5e-3
    )
    assert iodide_in_gamma.removed_reason == ""


def test_a_host_that_gives_way_lets_the_guest_in_at_less(iodide_in_gamma):
    found = iodide_in_gamma
    assert found.insertion_ev < found.insertion_rigid_ev - 0.1
    ion = found.in_place
    assert all(a < b for a, b in zip(ion.barriers_ev, ion.rigid_ev, strict=True))
    assert found.removed.barriers_ev != found.removed.rigid_ev
    for end in (found.in_place, found.removed):
        assert list(end.barriers_ev) == sorted(end.barriers_ev)


def test_what_the_host_gains_is_the_minimum_of_its_springs_and_pairs(gamma):
    """Each ion by a general minimiser, started from rest."""
    framework = framework_of(gamma, IODIDE, DUALION, own_element_stays=True)
    springs = springs_of(gamma, framework, DUALION)
    place = np.array([0.31, 0.47, 0.62])
    gain = _gains(framework, springs, place[None], np.zeros(1))[0]
    row_of = {int(entry): row for row, entry in enumerate(framework.entries)}
    expected = 0.0
    for entry, there in images_around(gamma, place @ gamma.cell, 5.0):
        row = row_of[entry]
        pair = framework.pairs[framework.kinds[row]]
        vector = there - place @ gamma.cell
        rest = float(pair.energy_ev(np.array([np.linalg.norm(vector)]))[0])

        def energy(u, vector=vector, pair=pair, rest=rest, stiffness=springs.stiffness[row]):
            r = np.linalg.norm(vector + u)
            return float(pair.energy_ev(np.array([r]))[0]) - rest + 0.5 * u @ stiffness @ u

        expected += minimize(energy, np.zeros(3), method="BFGS").fun
    assert gain == pytest.approx(expected, abs=5e-3)
    assert gain < -0.1


@pytest.mark.parametrize("change", ["shifted", "rotated", "permuted", "doubled"])
def test_barriers_do_not_depend_on_the_description(gamma, iodide_in_gamma, change):
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    order = np.random.default_rng(4).permutation(len(gamma.numbers))
    names = ("frac", "numbers", "charges", "occupancies")
    other = {
        "shifted": lambda: dataclasses.replace(
            gamma, frac=gamma.frac + np.array([0.137, 0.411, 0.293])
        ),
        "rotated": lambda: dataclasses.replace(gamma, cell=gamma.cell @ turn),
        "permuted": lambda: dataclasses.replace(
            gamma, **{name: getattr(gamma, name)[order] for name in names}
        ),
        "doubled": lambda: make_supercell(gamma, np.diag([1, 1, 2])),
    }[change]()
    found = guest_barriers(other, IODIDE, LITHIUM)
    assert found.insertion_ev == pytest.approx(iodide_in_gamma.insertion_ev, abs=5e-3)
    for end in ("in_place", "removed"):
        one, two = getattr(found, end), getattr(iodide_in_gamma, end)
        assert one.rigid_ev == pytest.approx(two.rigid_ev, abs=0.01)
        assert one.barriers_ev == pytest.approx(two.barriers_ev, abs=0.02)
    assert found.room.share == pytest.approx(iodide_in_gamma.room.share, abs=5e-3)


def test_halves_of_an_ion_at_one_place_are_one_ion(gamma):
    """Occupancies are weights: each sulphur as two halves changes nothing."""
    is_sulphur = gamma.numbers == 16
    halves = np.flatnonzero(is_sulphur)
    parts = {n: np.concatenate([getattr(gamma, n), getattr(gamma, n)[halves]])
             for n in ("frac", "numbers", "charges", "occupancies")}  # fmt: skip
    parts["occupancies"] = np.where(parts["numbers"] == 16, 0.5, 1.0)
    split = guest_barriers(dataclasses.replace(gamma, **parts), IODIDE, LITHIUM, RIGID)
    whole = guest_barriers(gamma, IODIDE, LITHIUM, RIGID)
    assert split.in_place.barriers_ev == pytest.approx(whole.in_place.barriers_ev, abs=1e-6)
    assert split.removed.barriers_ev == pytest.approx(whole.removed.barriers_ev, abs=1e-6)


def test_the_ends_are_told_apart_and_ordered(iodide_in_gamma):
    found = iodide_in_gamma
    for n in range(3):
        ends = found.in_place.barriers_ev[n], found.removed.barriers_ev[n]
        assert (found.lowest_ev[n], found.highest_ev[n]) == (min(ends), max(ends))


def test_without_cations_nothing_attracts_in_a_salt():
    found = guest_barriers(reference_crystal("LiI"), CHLORIDE, LITHIUM)
    assert all(math.isnan(barrier) for barrier in found.removed.barriers_ev)
    assert "nothing that attracts Cl-" in found.removed_reason
    assert found.lowest_ev == found.highest_ev == found.in_place.barriers_ev


def test_neither_end_is_always_the_higher_one():
    """Cations hold a guest and stand in its way; which of the two counts depends on both."""
    iodide = guest_barriers(reference_crystal("Li10GeP2S12"), IODIDE, LITHIUM)
    fluoride = guest_barriers(reference_crystal("LiTi2(PO4)3"), FLUORIDE, LITHIUM)
    assert iodide.in_place.barriers_ev[2] > iodide.removed.barriers_ev[2] + 0.5
    assert fluoride.in_place.barriers_ev[2] < fluoride.removed.barriers_ev[2] - 0.1


MEASURED_EV = {
    "CaF2": (5.463, 20, 0.85),
    "SrF2": (5.800, 38, 0.946),
    "BaF2": (6.200, 56, 0.714),
}
"""Cubic cell edge, Å; cation; migration energy of the fluoride interstitial from conductivities:
CaF2 0.78 to 0.92 eV, SrF2 (Schoonman & den Hartog, Solid State Ionics 7, 9 (1982)), BaF2 with
little La (Wapenaar, van Koesveld & Schoonman, Solid State Ionics (1981)); sources in
``benchmarks/data/vacancy_migration.csv``."""


@pytest.mark.parametrize("name", MEASURED_EV)
def test_the_fluoride_interstitial_of_fluorites(name):
    """The rigid host is off by more than 1 eV, the one that gives way by less than 0.45 eV."""
    edge, number, measured = MEASURED_EV[name]
    plain = fluorite(a=edge)
    host = dataclasses.replace(plain, numbers=np.where(plain.numbers == 20, number, 9))
    found = guest_barriers(host, FLUORIDE, MobileIon(number, 2.0))
    assert found.in_place.barriers_ev[2] == pytest.approx(measured, abs=0.45)
    assert found.in_place.rigid_ev[2] > measured + 1.0
    assert found.site_frac * 2 % 1 == pytest.approx(np.zeros(3), abs=1e-3)  # an empty cube
    assert found.room.nearest_angstrom == pytest.approx(edge * 3**0.5 / 4, abs=1e-3)


def test_a_smaller_guest_moves_more_easily_where_gaps_are_narrow():
    host = fluorite()
    barriers = [guest_barriers(host, ion, CALCIUM).in_place.barriers_ev[2]
                for ion in (FLUORIDE, CHLORIDE, IODIDE)]  # fmt: skip
    assert barriers == sorted(barriers)


def test_a_guest_is_an_anion_beside_a_cation_of_the_host(gamma):
    with pytest.raises(InputError, match="A guest is an anion"):
        guest_barriers(gamma, MobileIon(11, 1.0), LITHIUM)
    with pytest.raises(InputError, match="holds the cation"):
        guest_barriers(gamma, IODIDE, MobileIon(11, 1.0))
    with pytest.raises(InputError, match="interstitial"):
        GuestOptions(barriers=BarrierOptions(mechanism="vacancy"))


def test_a_skewed_cell_gives_the_site_in_its_own_coordinates(gamma):
    skewed = dataclasses.replace(
        gamma,
        cell=np.array([[1, 0, 0], [3, 1, 0], [0, -2, 1]]) @ gamma.cell,
        frac=gamma.frac @ np.linalg.inv(np.array([[1, 0, 0], [3, 1, 0], [0, -2, 1]])),
    )
    found = guest_barriers(skewed, IODIDE, LITHIUM, RIGID)
    place = found.site_frac @ skewed.cell
    assert found.insertion_ev == pytest.approx(site_energy(skewed, IODIDE, place), abs=2e-3)


def test_a_single_ion_host_has_no_room_to_measure():
    """Far from everything the empty sphere is as large as the search."""
    from dualion.screening.guests.room import REACH_ANGSTROM, room_at

    host = ionic(np.diag([30.0] * 3), [[0, 0, 0]], [3], [1])
    room = room_at(host, IODIDE, np.array([0.5, 0.5, 0.5]))
    assert room.radius_angstrom == REACH_ANGSTROM
    assert math.isinf(room.share)
