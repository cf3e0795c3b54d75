"""kinisi's posterior beside the closed form on measured trajectories, from several starts.

Six runs of Li, each fitted from four times on. A posterior is printed, or withheld with a reason;
for the second table each D is taken for resolved, so that the guard alone decides. ``as kinisi
gives it`` is the posterior over all lags from that start, without the guard.
Needs kinisi. Run: python benchmarks/transport_kinisi.py DATA_FOLDER.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import transport_peers as peers

from dualion.screening.transport.options import AnalysisOptions
from dualion.screening.transport.self_diffusion import kinisi_posterior as posterior
from dualion.screening.transport.self_diffusion.coefficient import Diffusion, diffusion
from dualion.screening.transport.self_diffusion.posterior_choice import choose_posterior
from dualion.screening.transport.self_diffusion.run_length import flag_falling

SYSTEMS = ("LiPS", "LGPS", *peers.ARGYRODITES)
START_SHARES = (0.025, 0.05, 0.1, 0.2)
ASKED = AnalysisOptions(posterior="kinisi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One run fitted from one time on."""

    name: str
    start_ps: float
    own: np.ndarray
    step_ps: float
    found: Diffusion


def fits(folder: Path) -> Iterator[Fit]:
    """All runs from all starts."""
    for name in SYSTEMS:
        positions, species, _, step_ps = peers.system(folder, name)
        lithium = species == "Li"
        own = positions[:, lithium] - positions[:, ~lithium].mean(axis=1, keepdims=True)
        own = np.ascontiguousarray(own)
        for share in START_SHARES:
            start_ps = share * len(own) * step_ps
            found = diffusion(own, step_ps, species="Li", earliest_ps=start_ps)
            found = flag_falling(found, own, step_ps, start_ps)
            # kinisi starts where it is asked to, wherever our window begins.
            found = replace(found, window_ps=(start_ps, found.window_ps[1]))
            yield Fit(name=name, start_ps=start_ps, own=own, step_ps=step_ps, found=found)


def unguarded(fit: Fit) -> float:
    """D as kinisi samples it over all lags, cm²/s."""
    kept = posterior.supported_lags, posterior.SUPPORTED_SHARE
    posterior.supported_lags = lambda variances, samples: np.ones(len(variances), dtype=bool)
    try:
        (sampled,) = posterior.kinisi_posterior(fit.own, fit.step_ps, fit.start_ps)
    except (ValueError, np.linalg.LinAlgError, AssertionError):
        return float("nan")
    finally:
        posterior.supported_lags, posterior.SUPPORTED_SHARE = kept
    return sampled.d_cm2_s


def outcome(fit: Fit, found: Diffusion) -> tuple[str, float]:
    """What is printed of kinisi, and its ratio to the closed form; NaN where nothing is."""
    chosen, second = choose_posterior(found, fit.own, fit.step_ps, ASKED)
    if second:
        return f"{second[0].d_cm2_s:.3g} ± {second[0].error_cm2_s:.2g}", (
            second[0].d_cm2_s / found.d_cm2_s
        )
    new = [flag for flag in chosen.flags if flag not in found.flags]
    return f"withheld: {new[0] if new else found.verdict}", float("nan")


def main() -> None:
    warnings.simplefilter("ignore")
    printed: list[float] = []
    print(
        "| run | start | closed form (cm²/s) | verdict | printed of kinisi | with D taken for "
        "resolved | ratio | as kinisi gives it |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for fit in fits(Path(sys.argv[1])):
        text, _ = outcome(fit, fit.found)
        forced, ratio = outcome(fit, replace(fit.found, verdict="diffusing"))
        printed += [ratio] if np.isfinite(ratio) else []
        share = f"{ratio:.2f}" if np.isfinite(ratio) else ""
        print(
            f"| {fit.name} | {fit.start_ps:.2g} ps | {fit.found.d_cm2_s:.3g} ± "
            f"{fit.found.error_cm2_s:.2g} | {fit.found.verdict} | {text} | {forced} | {share} "
            f"| {unguarded(fit):.3g} |",
            flush=True,
        )
    within = sum(1.0 / 3.0 <= value <= 3.0 for value in printed)
    print(
        f"\n{within} of {len(printed)} posteriors that the guard lets through within a factor of 3."
    )


if __name__ == "__main__":
    main()
