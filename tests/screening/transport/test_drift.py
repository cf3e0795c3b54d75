"""The frame of reference."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.transport.drift import CENTRE_OF_MASS, choose_framework, remove_drift
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
