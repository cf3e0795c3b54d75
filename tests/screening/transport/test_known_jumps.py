"""Jumps of a whole analysis against those that made the trajectory, while all of it drifts."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.options import AnalysisOptions
from dualion.structures.trajectories import Trajectory

EDGE = 12.0
SITES = 4
"""Along each axis, 3 Å apart; the host stands in the middle between them."""


def lattice_gas(
    rng: np.random.Generator, frames: int, ions: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Ions that jump between the sites of a simple cubic lattice, never onto one another.

    Returns:
        Sites after each frame, shape (frames, ions, 3), unwrapped; jumps of each ion; all jumps.
    """
    starts = np.stack(np.unravel_index(rng.choice(SITES**3, ions, replace=False), (SITES,) * 3), 1)
    place, jumps, path = starts.copy(), np.zeros(ions, dtype=int), []
    last = np.zeros(ions, dtype=int)
    for frame in range(frames):
        ion = int(rng.integers(ions))
        step = np.zeros(3, dtype=int)
        step[rng.integers(3)] = rng.choice((-1, 1))
        goal = (place[ion] + step) % SITES
        free = not (np.delete(place, ion, axis=0) % SITES == goal).all(axis=1).any()
        if frame % 3 == 0 and free and frame - last[ion] > 4 and frame > 10:
            place[ion] += step
            jumps[ion] += 1
            last[ion] = frame
        path.append(place.copy())
    return np.stack(path), jumps, int(jumps.sum())


@pytest.mark.parametrize("drift_angstrom", [0.0, 9.0])
def test_an_analysis_finds_every_jump_and_site_whatever_drifts(drift_angstrom: float) -> None:
    rng = np.random.default_rng(17)
    path, jumps, total = lattice_gas(rng, 3000, 8)
    spacing = EDGE / SITES
    host = np.stack(np.meshgrid(*[np.arange(SITES)] * 3, indexing="ij"), -1).reshape(-1, 3) + 0.5
    mobile = path * spacing + rng.normal(scale=0.15, size=path.shape)
    still = host * spacing + rng.normal(scale=0.1, size=(len(path), len(host), 3))
    positions = np.concatenate([mobile, still], axis=1)
    positions += drift_angstrom * np.linspace(0.0, 1.0, len(path))[:, None, None]
    trajectory = Trajectory(
        fractional=positions / EDGE,
        cells=EDGE * np.eye(3)[None],
        symbols=("Li",) * 8 + ("Cl",) * len(host),
        frame_step_ps=0.05,
        temperature_k=600.0,
    )
    report = analyse(trajectory, AnalysisOptions(framework=("Cl",), with_kinisi=False))
    (found,) = report.species[0].hops
    assert len(found.frames) == total > 300
    assert found.per_ion.tolist() == jumps.tolist()
    np.testing.assert_allclose(found.lengths_angstrom, spacing, atol=0.5)
    assert len(found.sites) == SITES**3
    assert found.occupancy.sum() == pytest.approx(8.0, abs=0.01)
    visited = {tuple(site) for site in (path.reshape(-1, 3) % SITES).tolist()}
    assert len(visited) == len(found.sites)
    assert not report.species[1].hops  # what vibrates has no sites to jump between
