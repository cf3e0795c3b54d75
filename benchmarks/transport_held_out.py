"""Coverage of the 95 % interval on runs that the rules were not chosen on.

Lattices, step lengths, frame steps, lengths and memories other than those of
transport_coverage.py, each with the settings of ``dualion analyze`` (fits start after 1 ps or a
tenth of the run). Run: python benchmarks/transport_held_out.py [RUNS] [NAME] [SEED]. Prints a
Markdown table; beside the coverage stand the verdicts, since a run that says ``not resolved``
claims less. Every D is that of the infinite run of the same model.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from numba import njit

from dualion.screening.transport.self_diffusion.coefficient import Diffusion, diffusion

Model = tuple[np.ndarray, float]
"""Positions (frames, ions, 3), Å, and the true growth of a coordinate's variance a frame, Å²."""


def _lattice_steps(kind: str, length: float) -> np.ndarray:
    """Jump vectors of a lattice, shape (z, 3), Å."""
    grid = np.array(list(np.ndindex(3, 3, 3))) - 1
    squared = (grid**2).sum(axis=1)
    chosen = {"sc": grid[squared == 1], "fcc": grid[squared == 2], "bcc": grid[squared == 3]}[kind]
    return length * chosen / np.sqrt((chosen[0] ** 2).sum())


def _jumps(
    rng: np.random.Generator, frames: int, ions: int, rate: float, steps: np.ndarray
) -> np.ndarray:
    """Free jumps at Poisson times, several a frame where the rate asks for it."""
    count = rng.poisson(rate, (frames, ions))
    moved = np.zeros((frames, ions, 3))
    for _ in range(int(count.max(initial=0))):
        hop = count > 0
        moved[hop] += steps[rng.integers(0, len(steps), hop.sum())]
        count -= 1
    return np.cumsum(moved, axis=0)


@njit(cache=True)
def _relaxing(kicks, keep):  # type: ignore[no-untyped-def]
    """Ornstein–Uhlenbeck places of unit variance from white kicks."""
    out = np.empty_like(kicks)
    out[0] = kicks[0]
    for t in range(1, len(kicks)):
        out[t] = keep * out[t - 1] + np.sqrt(1.0 - keep * keep) * kicks[t]
    return out


def vibration(
    rng: np.random.Generator, shape: tuple[int, ...], width: float, lasting: float
) -> np.ndarray:
    """Vibration of ``width`` Å that is forgotten in ``lasting`` frames; 0 is white noise."""
    kicks = rng.normal(size=shape)
    return width * (_relaxing(kicks, np.exp(-1.0 / lasting)) if lasting > 0.0 else kicks)


def gaussian(rng: np.random.Generator, frames: int, ions: int, step: float) -> Model:
    return np.cumsum(rng.normal(scale=step, size=(frames, ions, 3)), axis=0), step**2


def hopping(
    rng: np.random.Generator,
    frames: int,
    ions: int,
    rate: float,
    lattice: str,
    length: float,
    width: float,
    lasting: float,
) -> Model:
    walk = _jumps(rng, frames, ions, rate, _lattice_steps(lattice, length))
    return walk + vibration(rng, walk.shape, width, lasting), rate * length**2 / 3.0


def persistent(rng: np.random.Generator, frames: int, ions: int, lasting: float) -> Model:
    """Langevin ions whose velocity lasts: the slope is too low at first."""
    speed = _relaxing(rng.normal(size=(frames, ions, 3)), np.exp(-1.0 / lasting))
    keep = np.exp(-1.0 / lasting)
    return np.cumsum(0.1 * speed, axis=0), 0.01 * (1.0 + keep) / (1.0 - keep)


@njit(cache=True)
def _pairs(draws, axes, inner, outer):  # type: ignore[no-untyped-def]
    """Ions that flicker inside a pair of sites and leave it seldom (1D chain per axis)."""
    frames, ions = draws.shape
    out = np.zeros((frames, ions, 3))
    side = np.zeros((ions, 3), np.int64)
    cell = np.zeros((ions, 3))
    for t in range(frames):
        for i in range(ions):
            c = axes[t, i]
            u = draws[t, i]
            if u < inner:
                side[i, c] = 1 - side[i, c]
            elif u < inner + outer:
                # the only bond that leaves the pair on this side
                if side[i, c] == 1:
                    side[i, c] = 0
                    cell[i, c] += 1.0
                else:
                    side[i, c] = 1
                    cell[i, c] -= 1.0
            for d in range(3):
                out[t, i, d] = cell[i, d] + 0.5 * side[i, d]
    return out


def pairs(rng: np.random.Generator, frames: int, ions: int, inner: float, outer: float) -> Model:
    """Alternating fast and slow bonds of 2 Å: D is that of two resistors in series."""
    walk = 4.0 * _pairs(
        rng.random((frames, ions)),
        rng.integers(0, 3, (frames, ions)),
        inner,
        outer,
    )
    # Per axis, bonds of 2 Å with the rates k = inner/3 and outer/3 in series: D = 8/(1/k₁ + 1/k₂).
    growth = 16.0 / (3.0 / inner + 3.0 / outer)
    return walk + vibration(rng, walk.shape, 0.15, 0.0), growth


def together(rng: np.random.Generator, frames: int, ions: int) -> Model:
    """Ions that jump in strings of five: no more information than a fifth of them."""
    strings = _jumps(rng, frames, max(ions // 5, 1), 0.05, _lattice_steps("fcc", 2.8))
    walk = np.repeat(strings, 5, axis=1)[:, :ions]
    return walk + vibration(rng, walk.shape, 0.25, 0.0), 0.05 * 2.8**2 / 3.0


def unlike(rng: np.random.Generator, frames: int, ions: int) -> Model:
    """Half of the ions jump ten times as often as the others."""
    steps = _lattice_steps("bcc", 2.4)
    fast = _jumps(rng, frames, ions // 2, 0.1, steps)
    slow = _jumps(rng, frames, ions - ions // 2, 0.01, steps)
    walk = np.concatenate([fast, slow], axis=1)
    share = ions // 2 / ions
    growth = (0.1 * share + 0.01 * (1.0 - share)) * 2.4**2 / 3.0
    return walk + vibration(rng, walk.shape, 0.25, 0.0), growth


def channel(rng: np.random.Generator, frames: int, ions: int) -> Model:
    """Jumps along one axis only."""
    steps = np.array([[0.0, 0.0, 3.1], [0.0, 0.0, -3.1]])
    walk = _jumps(rng, frames, ions, 0.03, steps)
    return walk + vibration(rng, walk.shape, 0.2, 0.0), 0.03 * 3.1**2 / 3.0


Case = tuple[str, float, Callable[[np.random.Generator], Model]]


def _plain() -> Iterator[Case]:
    """Walks and hops of other sizes."""
    for frames, ions, step, step_ps in (
        (200, 1, 1.0, 0.05),
        (200, 35, 0.05, 0.05),
        (500, 3, 0.4, 0.01),
        (2000, 2, 0.1, 0.05),
        (5000, 10, 0.7, 0.1),
        (20000, 1, 0.2, 0.002),
    ):
        yield (
            f"Gaussian, {ions} ions, {frames} × {step_ps} ps, step {step} Å",
            step_ps,
            lambda rng, f=frames, i=ions, s=step: gaussian(rng, f, i, s),
        )
    for frames, ions, rate, lattice, width, lasting, step_ps in (
        (400, 35, 0.01, "fcc", 0.25, 0.0, 0.05),
        (400, 35, 0.002, "bcc", 0.25, 0.0, 0.05),
        (2000, 1, 0.02, "fcc", 0.2, 0.0, 0.05),
        (2000, 3, 0.005, "sc", 0.2, 0.0, 0.05),
        (2000, 35, 0.005, "bcc", 0.3, 0.0, 0.05),
        (2000, 10, 0.5, "sc", 0.0, 0.0, 0.05),
        (5000, 10, 0.0005, "fcc", 0.25, 0.0, 0.02),
        (5000, 200, 0.0005, "fcc", 0.25, 0.0, 0.02),
        (20000, 1, 0.002, "bcc", 0.3, 0.0, 0.01),
    ):
        yield (
            f"hops {lattice}, {ions} ions, {frames} × {step_ps} ps, {rate} a frame, vib. {width} Å",
            step_ps,
            lambda rng, a=(frames, ions, rate, lattice, 2.9, width, lasting): hopping(rng, *a),
        )


def _slow() -> Iterator[Case]:
    """Motion with a memory: where the window has to be found."""
    for frames, ions, rate, width, lasting, step_ps in (
        (400, 3, 0.01, 0.3, 6.0, 0.05),
        (400, 35, 0.01, 0.3, 6.0, 0.05),
        (1000, 1, 0.01, 0.4, 10.0, 0.05),
        (2000, 3, 0.005, 0.35, 6.0, 0.05),
        (2000, 35, 0.005, 0.35, 20.0, 0.05),
        (2000, 35, 0.002, 0.5, 60.0, 0.05),
        (5000, 10, 0.002, 0.3, 40.0, 0.01),
        (5000, 200, 0.002, 0.3, 100.0, 0.01),
        (10000, 3, 0.001, 0.4, 50.0, 0.02),
    ):
        yield (
            f"hops, vibration {width} Å lasts {lasting * step_ps:g} ps, {ions} ions, "
            f"{frames} × {step_ps} ps, {rate} a frame",
            step_ps,
            lambda rng, a=(frames, ions, rate, "sc", 2.7, width, lasting): hopping(rng, *a),
        )
    for frames, ions, lasting in ((400, 10, 5.0), (1000, 35, 40.0), (4000, 3, 40.0)):
        yield (
            f"velocity lasts {lasting * 0.05:g} ps, {ions} ions, {frames} × 0.05 ps",
            0.05,
            lambda rng, a=(frames, ions, lasting): persistent(rng, *a),
        )
    for frames, ions, inner, outer in (
        (500, 35, 0.2, 0.02),
        (2000, 3, 0.2, 0.02),
        (2000, 35, 0.05, 0.005),
        (5000, 100, 0.1, 0.002),
    ):
        yield (
            f"pairs of sites, {ions} ions, {frames} × 0.05 ps, {inner}/{outer} a frame",
            0.05,
            lambda rng, a=(frames, ions, inner, outer): pairs(rng, *a),
        )
    for name, make, sizes in (
        ("strings of five", together, ((1000, 10), (2000, 50))),
        ("unlike ions", unlike, ((400, 10), (2000, 36))),
        ("channel", channel, ((1000, 4), (3000, 24))),
    ):
        for frames, ions in sizes:
            yield (
                f"{name}, {ions} ions, {frames} × 0.05 ps",
                0.05,
                lambda rng, m=make, f=frames, i=ions: m(rng, f, i),
            )


def cases() -> Iterator[Case]:
    """All kinds of runs by name, with their frame step, ps."""
    yield from _plain()
    yield from _slow()


def measured(walk: np.ndarray, step_ps: float) -> Diffusion:
    """D as ``dualion analyze`` gives it."""
    earliest = min(1.0, 0.1 * len(walk) * step_ps)
    return diffusion(walk, step_ps, hop_length_angstrom=2.8, earliest_ps=earliest)


def row(
    name: str, step_ps: float, make: Callable[[np.random.Generator], Model], runs: int, seed: int
) -> str:
    """One line of the table."""
    rng = np.random.default_rng(seed)
    found, truths = [], []
    for _ in range(runs):
        walk, growth = make(rng)
        found.append(measured(walk, step_ps))
        truths.append(growth / (2.0 * step_ps) * 1e-4)
    truth = np.array(truths)
    value, low, high = (
        np.array([getattr(d, f"{k}_cm2_s") for d in found]) for k in ("d", "low", "high")
    )
    width = np.median((high - low) / truth)
    verdicts = Counter(d.verdict for d in found)
    said = ", ".join(f"{v} {n / runs:.2f}" for v, n in verdicts.most_common())
    inside = ((low <= truth) & (truth <= high)).mean()
    return (
        f"| {name} | {inside:.3f} | {(truth < low).mean():.3f} | {(truth > high).mean():.3f} "
        f"| {np.nanmean(value / truth):.3f} | {width:.2f} | {said} |"
    )


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 77
    print("| run | coverage | truth below | truth above | mean/truth | width/truth | verdicts |")
    print("|---|---|---|---|---|---|---|")
    for name, step_ps, make in cases():
        if wanted in name:
            print(row(name, step_ps, make, runs, seed), flush=True)


if __name__ == "__main__":
    main()
