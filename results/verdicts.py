"""A row judged anew: barriers stay, the verdict follows the criterion of the day."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from results.columns import Row

if TYPE_CHECKING:
    from screening.verdict import DaiCriterion, Verdict

VERDICT_FLAGS = frozenset({"dimensionality_decides", "ratio_reading_decides"})
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
    from screening.verdict import judge

    cation, anion = (_barriers(row, ion) for ion in ("cation", "anion"))
    verdict = judge(cation, anion, criterion)
    ratios = {f"ratio_{n}d": ratio for n, ratio in enumerate(verdict.ratios, start=1)}
    fresh: Row = {
        **row,
        **ratios,
        "dai": verdict.dai,
        "dai_dimensions": verdict.dimensions,
        "dai_other_reading": verdict.dai_other_reading,
        "flags": _flags(str(row.get("flags") or ""), verdict, leading_flags),
    }
    return fresh, verdict.cation_below


def _barriers(row: Row, ion: str) -> tuple[float, float, float]:
    one, two, three = (row[f"e{n}d_{ion}_ev"] for n in (1, 2, 3))
    return _number(one), _number(two), _number(three)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.inf


def _flags(text: str, verdict: Verdict, leading: int) -> str:
    kept = [flag for flag in text.split(";") if flag and flag not in VERDICT_FLAGS]
    return ";".join(dict.fromkeys([*kept[:leading], *verdict.flags, *kept[leading:]]))
