"""Error of estimated pair parameters, and of the barriers that are computed with them.

Leaves tabulated pairs out of the fit and compares its estimates with the table: every pair of
elements in all its states; every anion as a whole, as if it were phosphide; and every cation
element as a whole. Beside them stands what the nearest other state of the same pair gives.
Then replaces the pairs of the main anion of real structures by their estimates and compares
the barriers of Li⁺ and of that anion.

    python benchmarks/parameter_estimates.py --structures 40
"""

from __future__ import annotations

import argparse
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from unittest.mock import patch

import numpy as np
from _inputs import sample_rows, short_id

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.barriers import native_barriers
from dualion.screening.bvse.estimated_parameters import EstimateModel, fit_estimates
from dualion.screening.bvse.pair_parameters import (
    Ion,
    ParameterQuality,
    _moved,
    known_pairs,
    morse_parameters,
)
from dualion.screening.bvse.softbv import MorseParameters
from dualion.screening.ions import MobileIon, anions_of
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import symbol
from dualion.structures.errors import StructureError
from dualion.structures.files import parse_entry
from dualion.structures.preparation import prepare

TabulatedPair = tuple[tuple[int, int], tuple[int, int]]
FOLDS = 60
LITHIUM = 3
MOST_SITES = 80
SHARE = 7
OPTIONS = BarrierOptions(spacing_angstrom=0.25)


# --- parameters


def fit_without(left_out: Callable[[TabulatedPair], bool]) -> EstimateModel:
    """The trends of the pairs that are not left out."""
    return fit_estimates(
        {
            cation: {a: found for a, found in row.items() if not left_out((cation, a))}
            for cation, row in known_pairs().items()
        }
    )


def left_out_estimates(
    group_of: Callable[[TabulatedPair], object], folds: int
) -> list[tuple[TabulatedPair, MorseParameters]]:
    """Every pair with its estimate from a fit that knows nothing of its group."""
    pairs = [(cation, anion) for cation, row in known_pairs().items() for anion in row]
    groups = sorted({group_of(p) for p in pairs}, key=str)
    random.Random(0).shuffle(groups)
    estimates = []
    for chosen in (set(groups[k::folds]) for k in range(min(folds, len(groups)))):
        model = fit_without(lambda pair, c=chosen: group_of(pair) in c)  # type: ignore[misc]
        members = [p for p in pairs if group_of(p) in chosen]
        estimates += [(pair, model.estimate(*pair)) for pair in members]
    return estimates


def nearest_states() -> list[tuple[TabulatedPair, MorseParameters]]:
    """Every pair with the parameters of the nearest other state of the same elements."""
    states: dict[tuple[int, tuple[int, int]], list[int]] = defaultdict(list)
    for cation, row in known_pairs().items():
        for anion in row:
            states[cation[0], anion].append(cation[1])
    found = []
    for (number, anion), charges in states.items():
        for charge in charges:
            others = [c for c in charges if c != charge]
            if others:
                nearest = min(others, key=lambda c: abs(c - charge))
                found.append((((number, charge), anion), known_pairs()[number, nearest][anion]))
    return found


def moved_states() -> list[tuple[TabulatedPair, MorseParameters]]:
    """The same, moved to the right charge by the trend of the other pairs."""
    nearest = nearest_states()
    random.Random(0).shuffle(nearest)
    moved = []
    for k in range(FOLDS):
        members = nearest[k::FOLDS]
        left_out = {pair for pair, _ in members}
        model = fit_without(lambda pair, out=left_out: pair in out)  # type: ignore[misc]
        with patch("dualion.screening.bvse.pair_parameters.estimate_model", lambda m=model: m):
            for (cation, anion), known in members:
                row = {
                    c: r[anion]
                    for (z, c), r in known_pairs().items()
                    if z == cation[0] and anion in r
                }
                state = next(c for c, found in row.items() if found is known)
                moved.append(((cation, anion), _moved(known, state, cation, anion)))
    return moved


def print_errors(title: str, estimates: list[tuple[TabulatedPair, MorseParameters]]) -> None:
    """Median and 90th percentile of the errors, by anion."""
    errors: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for (cation, anion), got in estimates:
        known = known_pairs()[cation][anion]
        row = (
            abs(got.r_min_angstrom - known.r_min_angstrom),
            abs(got.alpha_per_angstrom / known.alpha_per_angstrom - 1.0),
            abs(got.d0_ev / known.d0_ev - 1.0),
        )
        errors[symbol(anion[0])].append(row)
        errors["all"].append(row)
    print(f"\n{title}\n")
    print("| anion | pairs | R_min, Å: median, 90 % | α, %: median, 90 % | D0, %: median, 90 % |")
    print("|---|---|---|---|---|")
    for name, rows in errors.items():
        median, high = np.median(rows, axis=0), np.quantile(rows, 0.9, axis=0)
        print(
            f"| {name} | {len(rows)} | {median[0]:.3f}, {high[0]:.3f} "
            f"| {100 * median[1]:.0f}, {100 * high[1]:.0f} "
            f"| {100 * median[2]:.0f}, {100 * high[2]:.0f} |"
        )


def parameter_errors() -> None:
    """Print the errors of all ways of leaving out."""
    print_errors(
        "Pairs of elements left out, in all their states",
        left_out_estimates(lambda pair: (pair[0][0], pair[1][0]), FOLDS),
    )
    print_errors("Anions left out", left_out_estimates(lambda pair: pair[1][0], FOLDS))
    print_errors("Cation elements left out", left_out_estimates(lambda pair: pair[0][0], FOLDS))
    print_errors("Nearest other state of the pair, as it stands", nearest_states())
    print_errors("Nearest other state of the pair, moved by the trend", moved_states())


# --- barriers


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Barriers with tabulated and with estimated pairs, eV: (E_1D, E_2D, E_3D) each."""

    anion: str
    ion: str
    case: str
    tabulated_ev: tuple[float, float, float]
    estimated_ev: tuple[float, float, float]


@lru_cache(maxsize=32)
def model_without_pair(cation: int, anion: int) -> EstimateModel:
    """Trends without any state of a pair of elements."""
    return fit_without(lambda pair: (pair[0][0], pair[1][0]) == (cation, anion))


@lru_cache(maxsize=32)
def model_without_anion(anion: int) -> EstimateModel:
    """Trends without any pair of an anion."""
    return fit_without(lambda pair: pair[1][0] == anion)


def barriers_with_estimates(
    crystal: IonicCrystal, ion: MobileIon, anion: int, *, whole_anion: bool
) -> tuple[float, float, float]:
    """Barriers with Li–X, or with every pair of X, replaced by its estimate."""

    def replaced(
        cation: Ion, other: Ion, *, worst: ParameterQuality
    ) -> tuple[MorseParameters, ParameterQuality]:
        if other[0] == anion and whole_anion:
            return model_without_anion(anion).estimate(cation, other), worst
        if other[0] == anion and cation[0] == LITHIUM:
            return model_without_pair(LITHIUM, anion).estimate(cation, other), worst
        return morse_parameters(cation, other, worst=worst)

    with patch("dualion.screening.bvse.potential.morse_parameters", replaced):
        return native_barriers(crystal, ion, OPTIONS).barriers_ev


def compare(crystal: IonicCrystal) -> Iterable[Comparison]:
    """Both ions of a crystal, both ways of leaving out."""
    main = main_anion(crystal)
    assert main is not None  # ``prepared`` yields no other
    for ion in (MobileIon(number=LITHIUM, charge=1.0), main):
        tabulated = native_barriers(crystal, ion, OPTIONS).barriers_ev
        for whole in (False, True):
            yield Comparison(
                anion=main.element,
                ion="Li⁺" if ion.number == LITHIUM else "anion",
                case="anion left out" if whole else "Li–anion left out",
                tabulated_ev=tabulated,
                estimated_ev=barriers_with_estimates(crystal, ion, main.number, whole_anion=whole),
            )


def prepared(count: int, seed: int) -> Iterable[tuple[str, IonicCrystal]]:
    """Random Li structures of moderate size, few of each anion, whose pairs are tabulated."""
    taken: Counter[int] = Counter()
    for entry in sample_rows("mp_li.jsonl.gz", 50 * count, seed=seed):
        if taken.total() == count:
            return
        try:
            crystal = prepare(parse_entry(entry).structure, cell_kind="dft")
            require_tabulated(crystal)
        except StructureError:
            continue
        anion = main_anion(crystal)
        if anion is None or len(crystal.numbers) > MOST_SITES or taken[anion.number] == SHARE:
            continue
        taken[anion.number] += 1
        yield short_id(entry.source_id), crystal


def main_anion(crystal: IonicCrystal) -> MobileIon | None:
    """The anion of most sites among those that the table knows with lithium."""
    known = known_pairs()[LITHIUM, 1]
    anions = [a for a in anions_of(crystal) if (a.number, round(a.charge)) in known]
    count = {a: int((crystal.numbers == a.number).sum()) for a in anions}
    return max(anions, key=count.__getitem__, default=None)


def require_tabulated(crystal: IonicCrystal) -> None:
    """Refuse a crystal that needs estimates anyway."""
    ions = set(zip(crystal.numbers.tolist(), crystal.charges.tolist(), strict=True))
    for cation in (i for i in ions if i[1] > 0):
        for anion in (i for i in ions if i[1] < 0):
            morse_parameters(cation, anion, worst=ParameterQuality.INTERPOLATED)


def barrier_errors(count: int, seed: int) -> None:
    """Print how far the barriers move."""
    results: dict[tuple[str, str], list[Comparison]] = defaultdict(list)
    for name, crystal in prepared(count, seed):
        for row in compare(crystal):
            results[row.ion, row.case].append(row)
            shown = (
                f"{a:.2f}→{b:.2f}" for a, b in zip(row.tabulated_ev, row.estimated_ev, strict=True)
            )
            print(f"  {name} {row.ion} {row.case}: {' '.join(shown)}", flush=True)
    print("\n| ion | case | barrier | compared | median, eV | 90 %, eV | finite in one only |")
    print("|---|---|---|---|---|---|---|")
    for (ion, case), rows in results.items():
        for axis in (0, 1, 2):
            print_barrier_row(f"{ion} | {case} | E_{axis + 1}D", rows, axis)
    for anion in sorted({row.anion for rows in results.values() for row in rows}):
        for (ion, case), rows in results.items():
            chosen = [row for row in rows if row.anion == anion]
            print_barrier_row(f"{ion} ({anion}) | {case} | E_3D", chosen, 2)


def print_barrier_row(label: str, rows: list[Comparison], axis: int) -> None:
    """One line of the table."""
    before = np.array([row.tabulated_ev[axis] for row in rows])
    after = np.array([row.estimated_ev[axis] for row in rows])
    both = np.isfinite(before) & np.isfinite(after)
    one = int((np.isfinite(before) ^ np.isfinite(after)).sum())
    if not both.any():
        print(f"| {label} | 0 | – | – | {one} |")
        return
    error = np.abs(before[both] - after[both])
    quantiles = f"{np.median(error):.3f} | {np.quantile(error, 0.9):.3f}"
    print(f"| {label} | {both.sum()} | {quantiles} | {one} |")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--structures", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    parameter_errors()
    barrier_errors(arguments.structures, arguments.seed)


if __name__ == "__main__":
    main()
