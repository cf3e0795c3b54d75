"""Random walks whose transport is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEP_PS = 0.1


def gaussian_walk(
    rng: np.random.Generator, frames: int, ions: int, spread: float = 0.3
) -> NDArray[np.float64]:
    return np.cumsum(rng.normal(scale=spread, size=(frames, ions, 3)), axis=0)


def d_of(growth: float) -> float:
    """D in cm²/s of a variance that grows by so many Å² per frame and coordinate."""
    return growth / (2.0 * STEP_PS) * 1e-4


def jumping_ion(rng: np.random.Generator, jumps: int) -> tuple[np.ndarray, np.ndarray]:
    """One ion that walks round four sites of a square in a 10 Å cell, 40 frames on each."""
    sites = np.array([[0.2, 0.2, 0.5], [0.5, 0.2, 0.5], [0.5, 0.5, 0.5], [0.2, 0.5, 0.5]])
    order = np.repeat(np.arange(jumps + 1) % 4, 40)
    path = sites[order] + rng.normal(scale=0.025, size=(len(order), 3))
    return path[:, None], sites
