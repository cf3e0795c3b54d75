"""Drawn configurations hold what the occupancies ask for, and nothing overlaps."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import UnpreparableStructureError
from dualion.structures.ordered_configurations import sample_configurations
from dualion.structures.supercells import make_supercell


@pytest.fixture
def half_filled() -> IonicCrystal:
    """One full anion; one cation split over two places 0.5 Å apart; a shared site."""
    return IonicCrystal(
        cell=np.diag([4.0, 4.0, 4.0]),
        frac=np.array([[0, 0, 0], [0.5, 0.5, 0.44], [0.5, 0.5, 0.56], [0.5, 0, 0], [0.5, 0, 0]]),
        numbers=np.array([17, 3, 3, 35, 53]),
        charges=np.array([-1.0, 1.0, 1.0, -1.0, -1.0]),
        occupancies=np.array([1.0, 0.5, 0.5, 0.25, 0.75]),
    )


def test_numbers_follow_the_occupancies(half_filled):
    for found in sample_configurations(half_filled, count=5, seed=1, repeat=(2, 2, 2)):
        assert found.placed == {3: 8, 17: 8, 35: 2, 53: 6}
        assert found.wanted == pytest.approx({3: 8, 17: 8, 35: 2, 53: 6})
        assert found.net_charge == -8.0
        assert not found.crystal.is_disordered


def test_split_places_are_never_filled_together(half_filled):
    for found in sample_configurations(half_filled, count=10, seed=2, repeat=(2, 2, 1)):
        frac = found.crystal.frac
        gap = frac[:, None] - frac[None]
        gap -= np.round(gap)
        distance = np.linalg.norm(gap @ found.crystal.cell, axis=2)
        assert distance[~np.eye(len(frac), dtype=bool)].min() > 1.0


def test_same_seed_same_configurations(half_filled):
    def draw(seed):
        samples = sample_configurations(half_filled, count=3, seed=seed, repeat=(2, 1, 2))
        return [found.crystal.frac.tolist() for found in samples]

    assert draw(3) == draw(3)
    assert draw(3) != draw(4)


def test_rounding_is_reported_not_hidden(half_filled):
    found = next(sample_configurations(half_filled, count=1, seed=1))
    assert found.wanted[35] == 0.25
    assert found.placed[35] + found.placed[53] == 1


def test_supercell_keeps_density_and_charge(half_filled):
    large = make_supercell(half_filled, (2, 3, 1))
    assert large.volume_cubic_angstrom == pytest.approx(6 * half_filled.volume_cubic_angstrom)
    assert large.net_charge == pytest.approx(6 * half_filled.net_charge)


def test_senseless_supercell_is_refused(half_filled):
    with pytest.raises(UnpreparableStructureError, match="positive"):
        next(sample_configurations(half_filled, count=1, seed=1, repeat=(0, 1, 1)))
