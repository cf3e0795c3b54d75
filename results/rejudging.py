"""A row judged anew: barriers stay, the verdict follows the criterion of the day."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dualion.results.columns import Row
from dualion.screening.criterion import grid_flags, judge_pair

if TYPE_CHECKING:
    from dualion.screening.criterion import DaiCriterion, Verdict

VERDICT_FLAGS = frozenset({"dimensionality_decides", "ratio_reading_decides", "grid_error_decides"})
"""Flags that belong to a verdict and not to the structure."""


def judged(row: Row, criterion: DaiCriterion, *, leading_flags: int) -> tuple[Row, bool]:
    """The row with the verdict of a criterion.

    Args:
        row: a row with barriers of both ions, ``status`` ok.
        criterion: thresholds.
        leading_flags: how many of its flags come before those of the verdict.

    Returns:
        The row, and whether the cation's barrier is below its threshold.
    """
    cation, anion = (_barriers(row, ion, "_ev", math.inf) for ion in ("cation", "anion"))
    verdict = judge_pair(cation, anion, criterion)
    refined = [_barriers(row, ion, "_refined_ev", math.nan) for ion in ("cation", "anion")]
    last = grid_flags(refined[0], refined[1], verdict, criterion)
    ratios = {f"ratio_{n}d": ratio for n, ratio in enumerate(verdict.ratios, start=1)}
    fresh: Row = {
        **row,
        **ratios,
        "dai": verdict.dai,
        "dai_dimensions": verdict.dimensions,
        "dai_other_reading": verdict.dai_other_reading,
        "flags": _flags(str(row.get("flags") or ""), verdict, leading_flags, last),
    }
    return fresh, verdict.cation_below


def _barriers(row: Row, ion: str, ending: str, missing: float) -> tuple[float, float, float]:
    values = [row.get(f"e{n}d_{ion}{ending}") for n in (1, 2, 3)]
    one, two, three = (float(v) if isinstance(v, int | float) else missing for v in values)
    return one, two, three


def _flags(text: str, verdict: Verdict, leading: int, last: tuple[str, ...]) -> str:
    """Flags in the order of a screening: the crystal's, the verdict's, the pair's, the grid's."""
    kept = [flag for flag in text.split(";") if flag and flag not in VERDICT_FLAGS]
    return ";".join(dict.fromkeys([*kept[:leading], *verdict.flags, *kept[leading:], *last]))
