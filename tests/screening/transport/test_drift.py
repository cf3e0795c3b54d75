"""The frame of reference."""

from __future__ import annotations

import numpy as np
import pytest
from walks import gaussian_walk

from dualion.screening.transport.drift import (
    CENTRE_OF_MASS,
    Framework,
    choose_framework,
    remove_drift,
)
from dualion.screening.transport.motion.bonding import find_polyanions
from dualion.structures.errors import InputError


def test_framework_is_declared_or_bonded_never_all_others() -> None:
    cell = 10.0 * np.eye(3)
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 2.05 / np.sqrt(3.0)
    lithium = [[0.5, 0.5, 0.5], [0.5, 5.0, 5.0], [5.0, 0.5, 5.0]]
    positions = np.concatenate([[[5.0, 5.0, 5.0]], 5.0 + corners, lithium])[None]
    symbols = ("P", "S", "S", "S", "S", "Li", "Li", "Li")
    frames = np.repeat(positions, 5, axis=0) + 0.3 * np.arange(5)[:, None, None]
    polyanions = find_polyanions(frames @ np.linalg.inv(cell), cell, symbols)
    assert polyanions.formula == "PS4"
    assert polyanions.ligands.tolist() == [1, 2, 3, 4]
    framework = choose_framework(symbols, polyanions)
    assert framework.name == "polyanion centres: P"
    still = remove_drift(frames, framework)
    np.testing.assert_allclose(still, np.repeat(positions, 5, axis=0), atol=1e-12)
    declared = choose_framework(symbols, polyanions, ("S",))
    assert declared.indices.tolist() == [1, 2, 3, 4]
    with pytest.raises(InputError, match="not in the trajectory"):
        choose_framework(symbols, polyanions, ("Ge",))
    salt = find_polyanions(np.random.default_rng(0).random((3, 2, 3)), cell, ("Na", "Cl"))
    assert choose_framework(("Na", "Cl"), salt).name == CENTRE_OF_MASS
    assert len(choose_framework(("Na", "Cl"), salt, ("none",)).indices) == 0


def test_without_polyanions_the_quiet_sublattice_is_the_frame() -> None:
    rng = np.random.default_rng(10)
    symbols = ("Li",) * 6 + ("Br",) * 6
    walk = np.cumsum(rng.normal(scale=0.3, size=(300, 6, 3)), axis=0)
    host = rng.random((1, 6, 3)) * 8.0 + rng.normal(scale=0.1, size=(300, 6, 3))
    drift = 0.02 * np.arange(300.0)[:, None, None]
    positions = np.concatenate([walk, host], axis=1) + drift
    nothing = find_polyanions(positions / 80.0, 80.0 * np.eye(3), symbols)
    framework = choose_framework(symbols, nothing, (), positions)
    assert framework.name == "quietest sublattice: Br"
    assert np.ptp(remove_drift(positions, framework)[:, 6:], axis=0).max() < 1.5
    melt = np.cumsum(rng.normal(scale=0.3, size=(300, 12, 3)), axis=0)
    assert choose_framework(symbols, nothing, (), melt).name == CENTRE_OF_MASS
    assert len(choose_framework(("Li",) * 12, nothing, (), melt).indices) == 0


def quiet(spread: dict[str, float], count: int = 400) -> str:
    """The frame of sublattices that vibrate by so much, Å root mean square in all."""
    rng = np.random.default_rng(11)
    symbols = tuple(name.rstrip("0123456789") for name in spread for _ in range(40))
    places = [
        rng.normal(scale=value / np.sqrt(3.0), size=(count, 40, 3)) for value in spread.values()
    ]
    positions = np.concatenate(places, axis=1)
    nothing = find_polyanions(positions / 80.0, 80.0 * np.eye(3), ("Na",) * len(symbols))
    return choose_framework(symbols, nothing, (), positions).name


def test_a_sublattice_is_quiet_within_a_fifth_of_a_neighbour_distance() -> None:
    assert quiet({"Li": 5.0, "Br": 0.58}) == "quietest sublattice: Br"
    assert quiet({"Li": 5.0, "Br": 0.63}) == CENTRE_OF_MASS
    assert quiet({"Li": 0.3, "Br": 0.5}) == "quietest sublattice: Li"
    assert quiet({"Li": 0.5, "Br": 0.3}) == "quietest sublattice: Br"


def test_three_atoms_are_a_frame_and_two_are_not_in_the_second_half_of_the_run() -> None:
    rng = np.random.default_rng(12)
    walk = gaussian_walk(rng, 300, 6)
    host = 0.05 * rng.normal(size=(300, 3, 3)) + np.array([[0.0], [4.0], [8.0]])
    host[:140] += 5.0 * rng.normal(size=(140, 3, 3))  # an unsettled first half does not count
    positions = np.concatenate([walk, host], axis=1)
    nothing = find_polyanions(positions / 80.0, 80.0 * np.eye(3), ("Na",) * 9)
    three = ("Li",) * 6 + ("Br",) * 3
    found = choose_framework(three, nothing, (), positions)
    assert found.name == "quietest sublattice: Br"
    assert found.indices.tolist() == [6, 7, 8]
    assert found.weights.tolist() == pytest.approx([1.0 / 3.0] * 3)
    two = ("Li",) * 6 + ("Br",) * 2 + ("Cl",)
    assert choose_framework(two, nothing, (), positions).name == CENTRE_OF_MASS


def test_the_centre_of_mass_weighs_atoms_by_their_mass() -> None:
    nothing = find_polyanions(np.zeros((2, 2, 3)), 80.0 * np.eye(3), ("Na", "Na"))
    declared = choose_framework(("Li", "I"), nothing, ("mass",))
    assert "barycentric" in declared.name
    assert declared.weights == pytest.approx(np.array([6.94, 126.904]) / 133.844, rel=1e-3)
    assert choose_framework(("Li", "I"), nothing).weights == pytest.approx(declared.weights)
    both = choose_framework(("Li", "I", "I"), nothing, ("I", "Li"))
    assert both.name == "declared: I, Li"
    assert both.indices.tolist() == [0, 1, 2]


def test_positions_stay_where_the_framework_was_in_the_first_frame() -> None:
    positions = np.zeros((3, 3, 3))
    positions[:, 0] = [[5.0, 0.0, 0.0], [6.0, 0.0, 0.0], [5.0, 2.0, 0.0]]
    positions[:, 1] = [[7.0, 0.0, 0.0], [7.0, 0.0, 0.0], [7.0, 0.0, 4.0]]
    frame = Framework(name="", indices=np.array([0, 1]), weights=np.array([0.25, 0.75]))
    moved = remove_drift(positions, frame)
    drift = [[0.0, 0.0, 0.0], [0.25, 0.0, 0.0], [0.0, 0.5, 3.0]]
    np.testing.assert_allclose(moved, positions - np.array(drift)[:, None])
