"""Ordered configurations: neutral, distinct, in the order of Ewald and of an engine."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest

from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import UnpreparableStructureError
from dualion.structures.ordered_configurations import sample_configurations
from dualion.structures.ordered_ranking import ewald_energy_ev, ranked_configurations
from dualion.structures.simulation_cells import simulation_cell
from dualion.structures.supercells import make_supercell

MADELUNG_ROCK_SALT = 1.7475645946
"""Of the nearest distance (Borwein et al., J. Math. Phys. 26, 2999 (1985), 10.1063/1.526675)."""
COULOMB_EV_ANGSTROM = 14.399645


def rock_salt(edge=5.0, occupancy=1.0) -> IonicCrystal:
    """A cation site, filled to a part, and an anion of the charge that balances it."""
    face_centred = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    return IonicCrystal(
        cell=np.eye(3) * edge,
        frac=np.vstack([face_centred, face_centred + 0.5]),
        numbers=np.array([3] * 4 + [17] * 4),
        charges=np.array([1.0] * 4 + [-occupancy] * 4),
        occupancies=np.array([occupancy] * 4 + [1.0] * 4),
    )


@pytest.fixture
def half_cations() -> IonicCrystal:
    """A cube with two places for each cation, two anions of which one is doubly charged."""
    return IonicCrystal(
        cell=np.diag([4.0, 4.4, 5.0]),
        frac=np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]),
        numbers=np.array([17, 16, 3, 3, 3]),
        charges=np.array([-1.0, -2.0, 1.0, 1.0, 1.0]),
        occupancies=np.array([0.5, 0.75, 0.666667, 0.666667, 0.666666]),
    )


def test_ewald_is_madelungs_constant():
    expected = -4 * MADELUNG_ROCK_SALT * COULOMB_EV_ANGSTROM / 2.5
    assert ewald_energy_ev(rock_salt()) == pytest.approx(expected, rel=1e-4)


def test_draws_are_neutral_and_say_what_was_rounded(half_cations):
    for one in sample_configurations(
        half_cations, count=20, seed=4, repeat=(1, 1, 3), neutral=True
    ):
        assert one.net_charge == pytest.approx(0.0)
        assert one.crystal.is_neutral
        for z, wanted in one.wanted.items():
            gap = one.placed[z] - wanted
            assert one.rounded.get(z, 0.0) == pytest.approx(gap, abs=1e-5)
        assert one.wanted[17] == 1.5


def test_what_no_whole_ions_balance_is_refused():
    odd = dataclasses.replace(rock_salt(), charges=np.array([2.0] * 4 + [-1.75] * 4))
    odd = dataclasses.replace(odd, occupancies=np.array([0.875] * 4 + [1.0] * 4))
    with pytest.raises(UnpreparableStructureError, match="another supercell"):
        next(sample_configurations(odd, count=1, seed=0, neutral=True))


def test_equal_configurations_are_counted_once():
    """Two of four cations of a cube of face-centred sites: all six pairs are alike."""
    crystal = rock_salt(occupancy=0.5)
    ranking = ranked_configurations(crystal, draws=12, seed=2)
    assert len(ranking.ranked) == 1
    assert ranking.ranked[0].drawn == 12
    assert ranking.placed == {"Li": 2, "Cl": 4} == ranking.wanted
    assert ranking.note == ""


def test_the_lowest_ewald_energy_is_found():
    """Against all ways to fill four of eight sites of a doubled cell."""
    crystal = rock_salt(occupancy=0.5)
    large = make_supercell(crystal, (2, 1, 1))
    cations = np.flatnonzero(large.numbers == 3)
    anions = np.flatnonzero(large.numbers == 17)
    energies = []
    for chosen in itertools.combinations(cations.tolist(), 4):
        kept = np.append(chosen, anions)
        one = dataclasses.replace(
            large,
            frac=large.frac[kept],
            numbers=large.numbers[kept],
            charges=large.charges[kept],
            occupancies=np.ones(len(kept)),
        )
        energies.append(round(ewald_energy_ev(one), 4))
    ranking = ranked_configurations(crystal, repeat=(2, 1, 1), draws=80, seed=0)
    assert ranking.ranked[0].ewald_ev == pytest.approx(min(energies), abs=1e-3)
    assert [one.ewald_ev for one in ranking.ranked] == sorted(
        one.ewald_ev for one in ranking.ranked
    )
    for one in ranking.ranked:
        assert np.abs(np.array(energies) - one.ewald_ev).min() < 1e-3
    assert sum(one.drawn for one in ranking.ranked) == 80


def test_an_engine_ranks_the_best_few_again():
    crystal = rock_salt(occupancy=0.5)
    energies = iter([1.0, -5.0, math.nan])
    ranking = ranked_configurations(
        crystal, repeat=(2, 1, 1), draws=40, seed=0, energy=lambda _: next(energies), rated=3
    )
    assert [one.energy_ev for one in ranking.ranked[:2]] == [-5.0, 1.0]
    assert all(math.isnan(one.energy_ev) for one in ranking.ranked[2:])
    plain = ranked_configurations(crystal, repeat=(2, 1, 1), draws=40, seed=0)
    assert ranking.ranked[0].ewald_ev == plain.ranked[1].ewald_ev


def test_an_ordered_crystal_is_itself():
    ranking = ranked_configurations(rock_salt())
    assert len(ranking.ranked) == 1
    assert np.sort(ranking.best.numbers).tolist() == [3] * 4 + [17] * 4


def test_the_cell_of_a_run_is_wide_ordered_and_told_in_words():
    cell = simulation_cell(rock_salt(occupancy=0.5), smallest_width_angstrom=7.0, draws=4)
    assert cell.supercell.widths_angstrom.min() >= 7.0
    assert not cell.crystal.is_disordered and cell.crystal.is_neutral
    assert "draws" in cell.note and f"{len(cell.crystal.numbers)} atoms" in cell.note
    plain = simulation_cell(rock_salt(), smallest_width_angstrom=7.0)
    assert plain.ordering is None and "draws" not in plain.note
    own = simulation_cell(rock_salt(), matrix=np.diag([2, 2, 3]))
    assert len(own.crystal.numbers) == 2 * 12
    assert not own.supercell.wide_enough
