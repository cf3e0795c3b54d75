"""Coverage and time of kinisi's posterior and of the closed form, on the same windows.

kinisi samples a straight line under a Gaussian likelihood, so its posterior of the slope is a
normal distribution cut at 0, which its own covariance matrix gives without sampling; the first
table checks that against its sampler, the second uses it. Needs kinisi.
Run: python benchmarks/transport_posteriors.py [RUNS] [NAME].
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import transport_held_out as models
from scipy import stats

from dualion.screening.transport.self_diffusion.coefficient import CM2_S_PER_A2_PS, Diffusion
from dualion.screening.transport.self_diffusion.kinisi_posterior import (
    kinisi_posterior,
    kinisi_regression,
)

CASES = {
    "Gaussian, 1 ion, 1000 × 0.05 ps": lambda r: models.gaussian(r, 1000, 1, 0.3),
    "Gaussian, 10 ions, 1000 × 0.05 ps": lambda r: models.gaussian(r, 1000, 10, 0.3),
    "Gaussian, 200 ions, 300 × 0.05 ps": lambda r: models.gaussian(r, 300, 200, 0.3),
    "hops, 2 ions, 2000 × 0.05 ps": lambda r: models.hopping(
        r, 2000, 2, 0.02, "fcc", 2.8, 0.2, 0.0
    ),
    "hops, 35 ions, 2000 × 0.05 ps": lambda r: models.hopping(
        r, 2000, 35, 0.01, "fcc", 2.8, 0.2, 0.0
    ),
    "strings of five, 50 ions, 2000 × 0.05 ps": lambda r: models.together(r, 2000, 50),
    "channel, 24 ions, 3000 × 0.05 ps": lambda r: models.channel(r, 3000, 24),
}
STEP_PS = 0.05


def kinisi_interval(walk: np.ndarray, start_ps: float) -> tuple[float, float, float]:
    """Mean and 95 % interval of kinisi's posterior, cm²/s, by its own covariance."""
    start = max(1, round(start_ps / STEP_PS))
    regression = kinisi_regression(walk, STEP_PS, start)
    regression._cond_max, regression._recondition, regression.diff_regime = 1e16, False, 0
    covariance = regression.compute_covariance_matrix().values
    data = regression.dg["da"]
    design = np.stack([data.coords["time interval"].values, np.ones(len(covariance))], axis=1)
    weights = np.linalg.pinv(covariance)
    spread = np.linalg.inv(design.T @ weights @ design)
    mean = float((spread @ design.T @ weights @ data.values)[0])
    error = float(np.sqrt(spread[0, 0]))
    posterior = stats.truncnorm(-mean / error, np.inf, loc=mean, scale=error)
    unit = CM2_S_PER_A2_PS / 6.0
    low, high = posterior.ppf([0.025, 0.975])
    return posterior.mean() * unit, low * unit, high * unit


def check() -> None:
    """Print kinisi's sampled posterior beside the normal one, and the times of both tools."""
    print("| run | kinisi, sampled | the same, as a normal | kinisi | our whole fit |")
    print("|---|---|---|---|---|")
    for name, make in CASES.items():
        walk, _ = make(np.random.default_rng(3))
        models.measured(walk, STEP_PS)
        before = time.process_time()
        found = models.measured(walk, STEP_PS)
        ours = time.process_time() - before
        before = time.process_time()
        (sampled,) = kinisi_posterior(walk, STEP_PS, found.window_ps[0])
        theirs = time.process_time() - before
        mean, low, high = kinisi_interval(walk, found.window_ps[0])
        print(
            f"| {name} | {sampled.d_cm2_s:.4g} ({sampled.low_cm2_s:.4g} … {sampled.high_cm2_s:.4g}) "
            f"| {mean:.4g} ({low:.4g} … {high:.4g}) | {theirs:.2f} s | {ours:.3f} s |",
            flush=True,
        )


def line(name: str, runs: int) -> str:
    """Coverage of both intervals on the same runs."""
    rng = np.random.default_rng(31)
    ours, theirs, widths = [], [], []
    for _ in range(runs):
        walk, growth = CASES[name](rng)
        truth = growth / (2.0 * STEP_PS) * CM2_S_PER_A2_PS
        found: Diffusion = models.measured(walk, STEP_PS)
        _, low, high = kinisi_interval(walk, found.window_ps[0])
        ours.append(found.low_cm2_s <= truth <= found.high_cm2_s)
        theirs.append((truth < low, truth > high))
        widths.append(((high - low) / truth, (found.high_cm2_s - found.low_cm2_s) / truth))
    below, above = np.mean(theirs, axis=0)
    wide = np.median(widths, axis=0)
    return (
        f"| {name} | {1.0 - below - above:.3f} | {below:.3f} | {above:.3f} | {wide[0]:.2f} "
        f"| {np.mean(ours):.3f} | {wide[1]:.2f} |"
    )


def main() -> None:
    warnings.simplefilter("ignore")
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    if not wanted:
        check()
    print(
        "\n| run | kinisi covers | truth below | truth above | width/truth | closed form covers | width/truth |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in CASES:
        if wanted in name:
            print(line(name, runs), flush=True)


if __name__ == "__main__":
    main()
