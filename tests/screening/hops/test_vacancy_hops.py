"""Vacancy hops: energies by direct sums, the invariances, and crystals whose answer is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from conftest import ionic
from crystals import caesium_chloride, crooked_salt, fluorite, reference_crystal
from hop_reference import Hop

from dualion.screening.bvse.potential import preset
from dualion.screening.hops.vacancy import vacancy_hops
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import UnpreparableStructureError
from dualion.structures.symmetry import primitive_crystal

DUALION = preset("dualion")
LITHIUM = MobileIon(3, 1.0)
CHLORIDE = MobileIon(17, -1.0)
FLUORIDE = MobileIon(9, -1.0)


def both(crystal, ion):
    """Rigid and relaxing thresholds, six numbers."""
    found = vacancy_hops(crystal, ion, DUALION)
    return np.array(found.rigid.barriers_ev + found.relaxing.barriers_ev)


# --- energies against direct sums where symmetry says where the saddle is


def test_one_site_per_cell_leaves_its_images_behind():
    """CsCl: the ion alone goes, not its images; the saddle lies on the plane between the ends."""
    crystal = caesium_chloride()
    start, end = crystal.frac[1] @ crystal.cell, (crystal.frac[1] + [0, 0, 1]) @ crystal.cell
    hop = Hop(crystal, CHLORIDE, (start, end), DUALION)
    expected = hop.lowest_across() - hop.minimum(start)
    found = vacancy_hops(crystal, CHLORIDE, DUALION)
    assert found.rigid.barriers_ev == pytest.approx([expected] * 3, abs=1e-4)
    assert found.energies.converged.all()


@pytest.mark.parametrize("occupancy", [1.0, 0.75])
def test_fluorite_and_partial_occupancy(occupancy):
    """A mirror between the ends holds the saddle; neighbours weigh as much as they are there."""
    crystal = fluorite(occupancy=occupancy)
    start = np.array([0.25, 0.25, 0.25]) @ crystal.cell
    end = np.array([0.75, 0.25, 0.25]) @ crystal.cell
    hop = Hop(crystal, FLUORIDE, (start, end), DUALION)
    expected = hop.lowest_across() - hop.minimum(start)
    found = vacancy_hops(crystal, FLUORIDE, DUALION)
    assert found.rigid.barriers_ev == pytest.approx([expected] * 3, abs=1e-4)


def test_a_split_site_is_not_filled_twice():
    """A second half-filled site 0.8 Å from each fluoride cannot block what it is part of."""
    whole = fluorite()
    split = whole.frac[4:] + np.array([0.8 / 5.463, 0.0, 0.0])
    crystal = ionic(
        whole.cell,
        np.vstack([whole.frac, split]),
        [20] * 4 + [9] * 16,
        [2] * 4 + [-1] * 16,
        [1.0] * 4 + [0.5] * 16,
    )
    hop = vacancy_hops(crystal, FLUORIDE, DUALION)
    together = hop.hops.lengths_angstrom[hop.hops.chosen] < 0.81
    assert together.any()
    assert hop.energies.rises_ev(relaxing=False)[together].max() < 0.5


@pytest.mark.parametrize("ion", [LITHIUM, CHLORIDE], ids=str)
def test_the_kernel_finds_the_pass_of_a_slow_search(ion):
    """No symmetry, a partly empty site: 0.2 Å in a box around the hop, all pairs summed.

    The refined saddle lies below the level of the box, by no more than such a grid's error.
    """
    crystal = crooked_salt()
    found = vacancy_hops(crystal, ion, DUALION)
    frac = found.sublattice.frac
    for row, hop in enumerate(found.hops.chosen[:2].tolist()):
        ends = [
            frac[found.hops.near[hop]] @ crystal.cell,
            (frac[found.hops.far[hop]] + found.hops.cells[hop]) @ crystal.cell,
        ]
        slow = Hop(crystal, ion, ends, DUALION)
        level = slow.minimax(0.2, margin=1.4)
        assert found.energies.converged[row]
        assert -0.08 < found.energies.saddles_ev[row] - level < 1e-4
        minima = [slow.minimum(end) for end in ends]
        assert found.energies.ends_ev[row] == pytest.approx(minima, abs=1e-4)


# --- invariances


def rotated(crystal: IonicCrystal, seed=3) -> IonicCrystal:
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return dataclasses.replace(crystal, cell=crystal.cell @ turn)


def shifted(crystal: IonicCrystal) -> IonicCrystal:
    return dataclasses.replace(crystal, frac=crystal.frac + np.array([0.137, 0.271, 0.419]))


def permuted(crystal: IonicCrystal) -> IonicCrystal:
    order = np.random.default_rng(5).permutation(len(crystal.numbers))
    names = ("frac", "numbers", "charges", "occupancies")
    return dataclasses.replace(crystal, **{n: getattr(crystal, n)[order] for n in names})


def axes_turned(crystal: IonicCrystal) -> IonicCrystal:
    order = [1, 2, 0]
    return dataclasses.replace(crystal, cell=crystal.cell[order], frac=crystal.frac[:, order])


def doubled(crystal: IonicCrystal) -> IonicCrystal:
    halves = np.concatenate([crystal.frac, crystal.frac + np.array([0, 1, 0])]) / [1, 2, 1]
    names = ("numbers", "charges", "occupancies")
    return dataclasses.replace(
        crystal,
        cell=crystal.cell * np.array([[1], [2], [1]]),
        frac=halves,
        **{n: np.tile(getattr(crystal, n), 2) for n in names},
    )


@pytest.mark.parametrize("change", [rotated, shifted, permuted, axes_turned, doubled])
@pytest.mark.parametrize("ion", [LITHIUM, CHLORIDE], ids=str)
def test_the_same_crystal_written_otherwise(change, ion):
    crystal = crooked_salt()
    assert both(change(crystal), ion) == pytest.approx(both(crystal, ion), abs=1e-3)


@pytest.mark.parametrize("ion", [LITHIUM, CHLORIDE], ids=str)
def test_rock_salt_in_any_cell(rock_salt, ion):
    """One hop for either ion, and three dimensions at once."""
    expected = both(rock_salt, ion)
    assert len(vacancy_hops(rock_salt, ion, DUALION).hops.chosen) == 1
    assert expected[:3] == pytest.approx(expected[0]) and expected[3:] == pytest.approx(expected[3])
    primitive = primitive_crystal(rock_salt)
    assert len(primitive.numbers) == 2
    for same in (primitive, rotated(primitive), doubled(rock_salt)):
        assert both(same, ion) == pytest.approx(expected, abs=1e-3)


# --- physics


def test_lithium_in_olivine_moves_in_one_dimension():
    """LiFePO4: along b; other directions cost several times as much.

    (Morgan, Van der Ven, Ceder, Electrochem. Solid-State Lett. 7, A30 (2004), 10.1149/1.1633511.)
    """
    crystal = reference_crystal("LiFePO4")
    found = vacancy_hops(crystal, LITHIUM, DUALION)
    for thresholds in (found.rigid, found.relaxing):
        in_1d, in_2d, in_3d = thresholds.barriers_ev
        assert in_1d < 0.7 and 2.0 * in_1d < in_2d <= in_3d
    hop = found.rigid.critical[0]
    ends = found.sublattice.frac[found.hops.far[hop]] + found.hops.cells[hop]
    step = (ends - found.sublattice.frac[found.hops.near[hop]]) @ crystal.cell
    assert np.abs(step).max() > 0.9 * np.linalg.norm(step)  # along one axis of the cell


def test_anions_repel_each_other_only_with_softbv_s_radii():
    """Fluorite: F– moves past F–; with the radii of neutral atoms it would not notice."""
    covalent = vacancy_hops(fluorite(), FLUORIDE, preset("bvlain")).rigid.barriers_ev[2]
    assert vacancy_hops(fluorite(), FLUORIDE, DUALION).rigid.barriers_ev[2] > 2.0 * covalent


@pytest.mark.parametrize("name", ["LiCl", "Li3OCl", "Li2O", "CaF2"])
def test_giving_way_never_costs(name):
    crystal = reference_crystal(name)
    ion = MobileIon(int(crystal.numbers[crystal.charges < 0][0]), -1.0)
    ion = dataclasses.replace(ion, charge=float(crystal.charges[crystal.numbers == ion.number][0]))
    energies = vacancy_hops(crystal, ion, DUALION).energies
    for gain in (energies.ends_gain_ev, energies.saddles_gain_ev, energies.vacancies_gain_ev):
        assert (gain <= 0.0).all()


def test_two_sites_in_one_well_have_no_barrier_between_them():
    """A half-filled pair 0.8 Å apart on both sides of a well: the ion settles between."""
    crystal = ionic(
        np.diag([4.0, 4.0, 4.0]),
        [[0.4, 0.5, 0.5], [0.6, 0.5, 0.5], [0, 0, 0]],
        [17, 17, 55],
        [-1, -1, 1],
        [0.5, 0.5, 1.0],
    )
    found = vacancy_hops(crystal, CHLORIDE, DUALION)
    row = int(found.hops.lengths_angstrom[found.hops.chosen].argmin())
    assert found.hops.lengths_angstrom[found.hops.chosen[row]] == pytest.approx(0.8)
    for relaxing in (False, True):
        assert found.energies.rises_ev(relaxing=relaxing)[row] == pytest.approx([0, 0], abs=1e-3)
    assert found.energies.converged[row]


def test_a_lone_site_goes_nowhere():
    crystal = ionic(np.diag([11.0] * 3), [[0, 0, 0], [0.2, 0, 0]], [17, 3], [-1, 1])
    assert (both(crystal, CHLORIDE) == np.inf).all()


def test_an_ion_that_is_not_there_is_refused(rock_salt):
    with pytest.raises(UnpreparableStructureError, match="holds no Br-"):
        vacancy_hops(rock_salt, MobileIon(35, -1.0), DUALION)
