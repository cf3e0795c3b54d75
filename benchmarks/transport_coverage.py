"""How often the 95 % interval holds the truth, over 400 simulated runs of each kind.

Run: python benchmarks/transport_coverage.py [RUNS] [NAME]. Prints a Markdown table. The
standard error of a coverage over 400 runs is 1.1 percentage points.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from numba import njit

from dualion.screening.transport.collective.onsager import transport
from dualion.screening.transport.self_diffusion.blocks import block_diffusion
from dualion.screening.transport.self_diffusion.coefficient import diffusion

STEP_PS = 0.1
Run = tuple[float, float, float, float]
"""Truth, estimate, lower and upper end."""


def d_of(growth: float) -> float:
    """D in cm²/s from the growth of a coordinate's variance in one frame, Å²."""
    return growth / (2.0 * STEP_PS) * 1e-4


def of(walk: np.ndarray, truth: float) -> Run:
    found = diffusion(walk, STEP_PS)
    return truth, found.d_cm2_s, found.low_cm2_s, found.high_cm2_s


def blocks_of(walk: np.ndarray, truth: float) -> Run:
    """As ``of``, with the mean and Student's interval of the blocks."""
    whole = diffusion(walk, STEP_PS)
    found = block_diffusion(walk, STEP_PS, whole.window_ps[0])
    if not found:
        return truth, np.nan, -np.inf, np.inf
    return truth, found[0].mean_cm2_s, found[0].low_cm2_s, found[0].high_cm2_s


def gaussian(rng: np.random.Generator, frames: int, ions: int, made=of) -> Run:
    return made(np.cumsum(rng.normal(scale=0.3, size=(frames, ions, 3)), axis=0), d_of(0.09))


def hopping(rng: np.random.Generator, frames: int, ions: int, made=of, rate: float = 0.05) -> Run:
    """Jumps of 2.5 Å along the axes at Poisson times, with vibration of 0.2 Å."""
    steps = np.zeros((frames, ions, 3))
    hop = rng.random((frames, ions)) < rate
    axes = np.eye(3)[rng.integers(0, 3, hop.sum())]
    steps[hop] = 2.5 * rng.choice([-1.0, 1.0], (hop.sum(), 1)) * axes
    walk = np.cumsum(steps, axis=0) + rng.normal(scale=0.2, size=steps.shape)
    return made(walk, d_of(rate * 2.5**2 / 3.0))


def slow_vibration(rng: np.random.Generator, frames: int, ions: int) -> Run:
    """A walk under an Ornstein–Uhlenbeck vibration of 0.3 Å that lasts 4.5 frames."""
    walk = np.cumsum(rng.normal(scale=0.05, size=(frames, ions, 3)), axis=0)
    place = 0.3 * rng.normal(size=(ions, 3))
    for t in range(frames):
        place = 0.8 * place + 0.18 * rng.normal(size=(ions, 3))
        walk[t] += place
    return of(walk, d_of(0.0025))


@njit(cache=True)
def _vacancy(size, steps, frames, per_frame, seed):  # type: ignore[no-untyped-def]
    np.random.seed(seed)  # noqa: NPY002
    occupant = -np.ones((size, size, size), np.int64)
    fcc = len(steps) == 12
    count = size**3 // 2 if fcc else size**3
    place = np.zeros((count - 1, 3))
    number = -1
    for x in range(size):
        for y in range(size):
            for z in range(size):
                if fcc and (x + y + z) % 2:
                    continue
                if number >= 0:
                    occupant[x, y, z] = number
                    place[number] = np.array([x, y, z], np.float64)
                number += 1
    hole = np.zeros(3, np.int64)
    out = np.zeros((frames, count - 1, 3))
    for t in range(frames):
        out[t] = place
        for _ in range(per_frame):
            step = steps[np.random.randint(len(steps))]  # noqa: NPY002
            target = (hole + step) % size
            ion = occupant[target[0], target[1], target[2]]
            place[ion] -= step
            occupant[hole[0], hole[1], hole[2]] = ion
            occupant[target[0], target[1], target[2]] = -1
            hole = target
    return out


def _neighbours(squared: int) -> np.ndarray:
    grid = np.array(list(np.ndindex(3, 3, 3))) - 1
    return grid[(grid**2).sum(axis=1) == squared]


@cache
def correlation_factor(squared: int, size: int) -> float:
    """Exact f = (1 + ⟨cos θ⟩)/(1 − ⟨cos θ⟩) of one vacancy in a periodic cell.

    ⟨cos θ⟩ between successive jumps of a tracer is what a vacancy that starts where the tracer
    came from earns on average until it meets the tracer again: a linear system over the sites.
    It tends to 0.6531 (simple cubic) and 0.7815 (fcc) in the infinite lattice.
    """
    steps = _neighbours(squared)
    sites = [s for s in np.ndindex(size, size, size) if squared == 1 or sum(s) % 2 == 0]
    number = {site: i for i, site in enumerate(sites)}
    came_from = steps[0]
    matrix, reward = np.eye(len(sites)), np.zeros(len(sites))
    for site, i in number.items():
        if i == 0:  # the tracer's own site
            continue
        for step in steps:
            target = number[tuple((np.array(site) + step) % size)]
            if target == 0:
                reward[i] += step @ came_from / squared / len(steps)
            else:
                matrix[i, target] -= 1.0 / len(steps)
    cosine = np.linalg.solve(matrix, reward)[number[tuple(came_from % size)]]
    return float((1.0 + cosine) / (1.0 - cosine))


INFINITE = {1: 0.65311, 2: 0.78146}
"""Correlation factors of one vacancy in the infinite lattice (Montet, Phys. Rev. B 7, 650 (1973))."""


def vacancy(
    rng: np.random.Generator, squared: int, size: int, frames: int, per_frame: int, factor: float
) -> Run:
    """One vacancy that makes ``per_frame`` jumps a frame."""
    steps = _neighbours(squared)
    walk = _vacancy(size, steps, frames, per_frame, int(rng.integers(1 << 30)))
    return of(walk, d_of(factor * squared * per_frame / walk.shape[1] / 3.0))


def vacancies() -> Iterator[tuple[str, Callable[[np.random.Generator], Run]]]:
    """Small cells against their own exact factor, larger ones against the infinite lattice's."""
    for squared, size, name in ((1, 8, "simple cubic, 512 sites"), (2, 10, "fcc, 500 sites")):
        factor = correlation_factor(squared, size)
        yield (
            f"vacancy, {name}, own f = {factor:.4f}",
            lambda rng, a=(squared, size, 1000, 50, factor): vacancy(rng, *a),
        )
    for squared, size, name in ((1, 12, "simple cubic, 1728 sites"), (2, 14, "fcc, 1372 sites")):
        factor = INFINITE[squared]
        yield (
            f"vacancy, {name}, infinite f = {factor:.4f}",
            lambda rng, a=(squared, size, 300, 160, factor): vacancy(rng, *a),
        )


def two_species(rng: np.random.Generator, frames: int, coupling: float, which: str) -> Run:
    """20 cations and 10 anions under a common random force; t₊ or σ (S/cm)."""
    shared, cations, anions = 0.1, 20, 10
    pull = np.array([cations * shared, -anions * coupling * shared])
    own = np.array([cations * 0.09, anions * 0.04])
    total = own.sum() + pull.sum() ** 2
    force = shared * rng.normal(size=(frames, 1, 3))
    groups = {
        "Li": np.cumsum(0.3 * rng.normal(size=(frames, cations, 3)) + force, axis=0),
        "I": np.cumsum(0.2 * rng.normal(size=(frames, anions, 3)) + coupling * force, axis=0),
    }
    found = transport(
        groups,
        {"Li": 1.0, "I": -1.0},
        STEP_PS,
        volume_cubic_angstrom=1000.0,
        temperature_k=600.0,
    )
    if which == "t":
        number, truth = found.numbers[0], (own[0] + pull[0] * pull.sum()) / total
    else:
        charge2 = (1.602176634e-29) ** 2 / 2e-13
        truth = total * charge2 / (1e-27 * 1.380649e-23 * 600.0) * 1e-2
        number = found.conductivity_s_cm
    return truth, number.value, number.low, number.high


def cases() -> Iterator[tuple[str, Callable[[np.random.Generator], Run]]]:
    """All kinds of runs by name."""
    for frames in (300, 1000, 3000):
        for ions in (1, 10, 200):
            if frames * ions > 3e5:
                continue
            kinds = (
                (gaussian, "Gaussian walk"),
                (hopping, "hops"),
                (slow_vibration, "slow vibration"),
            )
            for make, name in kinds:
                yield (
                    f"{name}, {ions} ions, {frames} frames",
                    lambda rng, make=make, frames=frames, ions=ions: make(rng, frames, ions),
                )
    for make, name in ((gaussian, "Gaussian walk"), (hopping, "hops")):
        for ions in (1, 10, 200):
            yield (
                f"blocks of {name}, {ions} ions, 1000 frames",
                lambda rng, make=make, ions=ions: make(rng, 1000, ions, blocks_of),
            )
    yield from vacancies()
    for coupling in (0.0, 0.5, -0.6):
        for which, name in (("t", "transport number"), ("s", "conductivity")):
            yield (
                f"{name}, two species, coupling {coupling:g}",
                lambda rng, c=coupling, w=which: two_species(rng, 1000, c, w),
            )


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    print("| run | coverage of 95 % | truth below | truth above | mean/truth | standard error |")
    print("|---|---|---|---|---|---|")
    for name, make in cases():
        if wanted not in name:
            continue
        rng = np.random.default_rng(2024)
        rows = np.array([make(rng) for _ in range(runs)])
        truth, value, low, high = rows.T
        known = np.isfinite(value)
        inside = ((low <= truth) & (truth <= high)).mean()
        ratio = value[known] / truth[known]
        print(
            f"| {name} | {inside:.3f} | {(truth < low).mean():.3f} | {(truth > high).mean():.3f} "
            f"| {ratio.mean():.4f} | {ratio.std() / np.sqrt(len(ratio)):.4f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
