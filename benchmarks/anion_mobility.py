"""Do barriers tell anions that move from anions that do not?

Anions whose mobility is known from experiment or DFT (``anion_mobility_dev.jsonl.gz`` of the shared
data), each by the published recipe and by every mechanism: area under the curve mobile against
immobile, rank correlation, median error and bias against the activation energies, and the share
of immobile anions below 1 eV, with bootstrap intervals (percentiles of resampled anions, seeded).
Nothing is fitted here. ``bound last`` ranks ligands of polyanions behind all others, ``free`` leaves
them out.

    python benchmarks/anion_mobility.py [--dimension 3] [--resamples 2000] [--each] [--springs]
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from _inputs import require_data
from pymatgen.core import Lattice, Structure
from scipy.stats import spearmanr

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.bvse.potential import preset
from dualion.screening.flags import bound_fraction
from dualion.screening.hops import lattice_response
from dualion.screening.hops.mechanisms import mechanism_barriers
from dualion.screening.ions import anions_of
from dualion.structures.preparation import prepare

SEED = 1
IMMOBILE_BELOW_EV = 1.0
BOUND_FROM = 0.5
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


@dataclass(frozen=True)
class Anion:
    """One labelled anion: activation energy in eV (NaN where none is known), barriers by method."""

    name: str
    activation_ev: float
    mobile: bool
    bound: bool
    barriers_ev: dict[str, tuple[float, ...]] = field(default_factory=dict)


def labelled():
    """Crystal, ion and label of every anion of the set."""
    path = require_data() / "anion_mobility_dev.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            lattice = Lattice.from_parameters(*row["lattice"])
            crystal = prepare(Structure(lattice, row["species"], row["coords"]))
            ion = next(ion for ion in anions_of(crystal) if ion.element == row["anion"])
            energy = row["activation_energy_ev"]
            yield (
                crystal,
                ion,
                Anion(
                    name=row["name"],
                    activation_ev=math.nan if energy is None else float(energy),
                    mobile=bool(row["mobile"]),
                    bound=bound_fraction(crystal, ion) >= BOUND_FROM,
                ),
            )


def measured(methods) -> list[Anion]:
    """The set with barriers: refined ones where the mechanism has a grid."""
    anions = []
    for crystal, ion, anion in labelled():
        for name, options in methods.items():
            anion.barriers_ev[name] = mechanism_barriers(crystal, ion, options).refined_ev
        anions.append(anion)
    return anions


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
    for bound in ("as is", "last", "free"):
        count = sum(bound != "free" or not a.bound for a in anions)
        print(f"\nE_{dimension}D, bound anions {bound}, n = {count}")
        for method in methods:
            measure = partial(statistics, method=method, dimension=dimension, bound=bound)
            values, spread = measure(anions), intervals(anions, measure, resamples)
            parts = [
                f"{name} {value:.2f} [{spread[name][0]:.2f}, {spread[name][1]:.2f}]"
                for name, value in values.items()
            ]
            print(f"  {method:42s} " + "  ".join(parts))


def print_each(anions, methods, dimension) -> None:
    print("\n" + "  ".join(["anion", "E_a", "mobile", "bound", *methods]))
    for a in anions:
        numbers = [f"{a.barriers_ev[method][dimension - 1]:.2f}" for method in methods]
        print(
            f"{a.name:12s} {a.activation_ev:.2f} {a.mobile!s:5} {a.bound!s:5} " + " ".join(numbers)
        )


def print_springs(dimension) -> None:
    """The same with the softest spring halved and doubled: the one number that is chosen."""
    name = "vacancy, relaxing, softBV between anions"
    defaults = lattice_response.springs_of.__kwdefaults__
    usual = defaults["softest_ev_per_square"]
    for softest in SOFTEST:
        defaults["softest_ev_per_square"] = softest
        values = statistics(measured({name: METHODS[name]}), name, dimension, bound="last")
        print(
            f"softest spring {softest} eV/Å²: "
            + "  ".join(f"{k} {v:.3f}" for k, v in values.items())
        )
    defaults["softest_ev_per_square"] = usual


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dimension", type=int, default=3, choices=(1, 2, 3))
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--each", action="store_true", help="print every anion")
    parser.add_argument("--springs", action="store_true", help="vary the softest spring")
    asked = parser.parse_args()
    anions = measured(METHODS)
    print(f"{len(anions)} anions, {sum(a.mobile for a in anions)} mobile, "
          f"{sum(math.isfinite(a.activation_ev) for a in anions)} with an activation energy")  # fmt: skip
    print_table(anions, METHODS, asked.dimension, asked.resamples)
    if asked.each:
        print_each(anions, METHODS, asked.dimension)
    if asked.springs:
        print_springs(asked.dimension)


if __name__ == "__main__":
    main()
