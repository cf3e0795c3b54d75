"""Upper limits of D, and claims of diffusion, on ions that are caged or jump seldom.

Each kind of run is made in three lengths. ``claimed`` is the share of runs with a D (of caged
ions, whose true D is 0, each is wrong), ``limit holds`` the share of the other runs whose upper
limit is the truth or more. Settings are those of ``dualion analyze``: fits start after 1 ps or a
tenth of the run, and a D that falls with the length of the run is none. The last rows are of three
replicas together, each with as many jumps.
Run: python benchmarks/transport_limits.py [RUNS] [NAME]. Prints a Markdown table.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import transport_held_out as models

from dualion.screening.transport.replicas import combine_replicas
from dualion.screening.transport.self_diffusion.coefficient import Diffusion, diffusion
from dualion.screening.transport.self_diffusion.run_length import flag_falling

STEP_PS = 0.05
HOP_ANGSTROM = 2.8
LENGTHS = (300, 1000, 3000)
IONS = 20
REPLICAS = 3


def caged(rng: np.random.Generator, frames: int, width: float, lasting: float) -> models.Model:
    """Ions bound to their sites by a spring, with friction."""
    return models.vibration(rng, (frames, IONS, 3), width, lasting), 0.0


def rattling(rng: np.random.Generator, frames: int, rate: float) -> models.Model:
    """Ions that jump among the corners of a cube of 2 Å, and never leave it."""
    jumps = rng.random((frames, IONS, 3)) < rate / 3.0
    side = np.cumsum(jumps, axis=0) % 2
    return 2.0 * side + models.vibration(rng, side.shape, 0.25, 3.0), 0.0


def seldom(rng: np.random.Generator, frames: int, jumps: float) -> models.Model:
    """Free jumps, so many of all ions together in the run, under a vibration."""
    rate = jumps / (frames * IONS)
    return models.hopping(rng, frames, IONS, rate, "fcc", HOP_ANGSTROM, 0.25, 3.0)


Make = Callable[[np.random.Generator, int], models.Model]


def cases() -> Iterator[tuple[str, Make]]:
    """All kinds of runs by name."""
    for width, lasting in ((0.2, 0.0), (0.35, 6.0), (0.5, 20.0), (0.8, 60.0)):
        yield (
            f"caged, {width} Å, forgets in {lasting * STEP_PS:g} ps",
            lambda rng, frames, w=width, t=lasting: caged(rng, frames, w, t),
        )
    for rate in (0.5, 0.1, 0.02):
        yield (
            f"cube of 2 Å, a jump in {STEP_PS / rate:g} ps",
            lambda rng, frames, r=rate: rattling(rng, frames, r),
        )
    for jumps in (0.3, 1.0, 3.0, 10.0, 30.0, 60.0):
        yield (
            f"{jumps:g} jumps of all ions",
            lambda rng, frames, n=jumps: seldom(rng, frames, n),
        )


def analysed(walk: np.ndarray) -> Diffusion:
    """D as ``dualion analyze`` gives it."""
    earliest = min(1.0, 0.1 * len(walk) * STEP_PS)
    found = diffusion(walk, STEP_PS, hop_length_angstrom=HOP_ANGSTROM, earliest_ps=earliest)
    return flag_falling(found, walk, STEP_PS, 1.0)


def tally(
    make: Make, frames: int, runs: int, seed: int, replicas: int = 1
) -> tuple[int, int, int, list[float]]:
    """Count runs with a D, runs with a limit, limits that hold; list limit over truth."""
    rng = np.random.default_rng(seed)
    claimed = limits = hold = 0
    ratios = []
    for _ in range(runs):
        walks = [make(rng, frames) for _ in range(replicas)]
        truth = walks[0][1] / (2.0 * STEP_PS) * 1e-4
        found = combine_replicas([analysed(walk) for walk, _ in walks])
        if found.resolved:
            claimed += 1
            continue
        limits += 1
        hold += bool(found.upper_cm2_s >= truth)
        ratios.append(found.upper_cm2_s / truth if truth > 0.0 else np.nan)
    return claimed, limits, hold, ratios


def row(name: str, make: Make, frames: int, runs: int, seed: int, replicas: int = 1) -> str:
    """One line of the table."""
    claimed, limits, hold, ratios = tally(make, frames, runs, seed, replicas)
    share = f"{hold / limits:.3f}" if limits else "no limit"
    middle = f"{np.median(ratios):.2f}" if limits and np.isfinite(ratios[0]) else "truth is 0"
    return f"| {name} | {frames * STEP_PS:g} ps | {claimed / runs:.3f} | {share} | {middle} |"


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    print(f"{IONS} ions, {runs} runs of each\n")
    print("| run | length | claimed | limit holds | median limit/truth |")
    print("|---|---|---|---|---|")
    for name, make in cases():
        for frames in LENGTHS if wanted in name else ():
            print(row(name, make, frames, runs, 2026), flush=True)
    for name, make in cases():
        together = f"{REPLICAS} replicas, {name}"
        if "jumps" in name and wanted in together:
            print(row(together, make, LENGTHS[0], runs, 2026, REPLICAS), flush=True)


if __name__ == "__main__":
    main()
