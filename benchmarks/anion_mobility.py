"""Do barriers tell anions that move from anions that do not?

Anions whose mobility is known from publications (``data/anion_mobility.csv``), each by the published
recipe and by every mechanism: area under the curve mobile against immobile, rank correlation,
median error and bias against the activation energies, and the share of immobile anions below 1 eV,
with bootstrap intervals (percentiles of resampled anions, seeded); with and without the anions that
nobody is known to have looked at. Nothing is fitted here. ``bound last`` ranks ligands of polyanions
behind all others, ``free`` leaves them out. ``--labels noted`` takes the energies from memory that
the shared data hold, for comparison.

    python benchmarks/anion_mobility.py [--dimension 3] [--resamples 2000] [--each] [--springs]
"""

from __future__ import annotations

import argparse
import math
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from _anion_labels import measured
from scipy.stats import spearmanr

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.bvse.potential import preset
from dualion.screening.hops import lattice_response

SEED = 1
IMMOBILE_BELOW_EV = 1.0
SOFTEST = (1.0, 2.0, 4.0)

METHODS = {
    "published: empty lattice, covalent radii": BarrierOptions(),
    "empty lattice, softBV between anions": BarrierOptions(potential=preset("dualion")),
    "vacancy, rigid, covalent radii": BarrierOptions(mechanism="vacancy", lattice="rigid"),
    "vacancy, rigid, softBV between anions": BarrierOptions(
        potential=preset("dualion"), mechanism="vacancy", lattice="rigid"
    ),
    "vacancy, relaxing, covalent radii": BarrierOptions(mechanism="vacancy"),
    "vacancy, relaxing, softBV between anions": BarrierOptions(
        potential=preset("dualion"), mechanism="vacancy"
    ),
    "interstitial, softBV between anions": BarrierOptions(
        potential=preset("dualion"), mechanism="interstitial"
    ),
}


def auc(scores, mobile) -> float:
    """Probability that a mobile anion has a lower barrier than an immobile one; ties count half."""
    low, high = scores[mobile], scores[~mobile]
    if not len(low) or not len(high):
        return math.nan
    below = (low[:, None] < high[None]) + 0.5 * (low[:, None] == high[None])
    return float(below.mean())


def statistics(anions, method, dimension, *, bound):
    """Measures of one method; ``bound`` is ``as is``, ``last`` or ``free``."""
    chosen = [a for a in anions if bound != "free" or not a.bound]
    values = np.array([a.barriers_ev[method][dimension - 1] for a in chosen])
    mobile = np.array([a.mobile for a in chosen])
    known = np.array([a.activation_ev for a in chosen])
    ranked = np.where([a.bound for a in chosen], np.inf, values) if bound == "last" else values
    has = np.isfinite(known)
    errors = values[has] - known[has]
    return {
        "AUC": auc(ranked, mobile),
        "rho": float(spearmanr(values[has], known[has])[0]) if has.sum() > 2 else math.nan,
        "median |error|": float(np.median(np.abs(errors))),
        "bias": float(np.median(errors)),
        "immobile < 1 eV": float((ranked[~mobile] < IMMOBILE_BELOW_EV).mean()),
    }


def intervals(anions, measure, resamples):
    """95 % intervals of every measure by resampling anions."""
    rng = np.random.default_rng(SEED)
    drawn = [
        measure([anions[i] for i in rng.integers(0, len(anions), len(anions))])
        for _ in range(resamples)
    ]
    return {
        name: np.nanpercentile([values[name] for values in drawn], [2.5, 97.5]) for name in drawn[0]
    }


def print_table(anions, methods, dimension, resamples) -> None:
    """A Markdown table for each treatment of bound anions."""
    for bound in ("as is", "last", "free"):
        chosen = [a for a in anions if bound != "free" or not a.bound]
        mobile, energies = (sum(a.mobile for a in chosen),
                            sum(math.isfinite(a.activation_ev) for a in chosen))  # fmt: skip
        print(f"\nE_{dimension}D, bound anions {bound}: {mobile} mobile, "
              f"{len(chosen) - mobile} immobile, {energies} with an energy\n")  # fmt: skip
        for number, method in enumerate(methods):
            measure = partial(statistics, method=method, dimension=dimension, bound=bound)
            values, spread = measure(anions), intervals(anions, measure, resamples)
            if number == 0:
                print(
                    "| method | " + " | ".join(values) + " |\n" + "|---" * (1 + len(values)) + "|"
                )
            parts = [
                f"{value:.2f} [{spread[name][0]:.2f}, {spread[name][1]:.2f}]"
                for name, value in values.items()
            ]
            print(f"| {method} | " + " | ".join(parts) + " |")


def print_each(anions, methods, dimension) -> None:
    print("\n" + "  ".join(["anion", "E_a", "mobile", "bound", *methods]))
    for a in anions:
        numbers = [f"{a.barriers_ev[method][dimension - 1]:.2f}" for method in methods]
        print(
            f"{a.name:12s} {a.activation_ev:.2f} {a.mobile!s:5} {a.bound!s:5} " + " ".join(numbers)
        )


def print_springs(labels, dimension) -> None:
    """The same with the softest spring halved and doubled: the one number that is chosen."""
    name = "vacancy, relaxing, softBV between anions"
    defaults = lattice_response.springs_of.__kwdefaults__
    usual = defaults["softest_ev_per_square"]
    for softest in SOFTEST:
        defaults["softest_ev_per_square"] = softest
        with tempfile.TemporaryDirectory() as folder:
            anions = measured(labels, {name: METHODS[name]}, Path(folder) / "barriers.json")
        values = statistics(anions, name, dimension, bound="last")
        print(
            f"softest spring {softest} eV/Å²: "
            + "  ".join(f"{k} {v:.3f}" for k, v in values.items())
        )
    defaults["softest_ev_per_square"] = usual


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dimension", type=int, default=3, choices=(1, 2, 3))
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--labels", choices=("sourced", "noted"), default="sourced")
    parser.add_argument("--cache", type=Path, help="file that keeps the barriers")
    parser.add_argument("--each", action="store_true", help="print every anion")
    parser.add_argument("--springs", action="store_true", help="vary the softest spring")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = asked.cache or Path(folder) / "barriers.json"
        anions = measured(asked.labels, METHODS, cache)
    for title, chosen in (
        ("All labelled anions", anions),
        ("Without those never reported to move", [a for a in anions if a.reported]),
    ):
        print(f"\n## {title}")
        print_table(chosen, METHODS, asked.dimension, asked.resamples)
    if asked.each:
        print_each(anions, METHODS, asked.dimension)
    if asked.springs:
        print_springs(asked.labels, asked.dimension)


if __name__ == "__main__":
    main()
