"""Judge a row anew: barriers stay, the verdict follows the criterion of the day."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dualion.results.calibrated import calibrated_columns
from dualion.results.columns import Row
from dualion.results.ensemble_columns import ensemble_of, judged_columns
from dualion.results.rows import published_columns
from dualion.results.vocabulary import VERDICT_FLAGS, join_flags, split_flags
from dualion.screening.criterion import grid_flags, judge_pair, mechanism_flags
from dualion.screening.disorder_ensemble import disorder_flags

if TYPE_CHECKING:
    from dualion.screening.criterion import DaiCriterion, Triple


def rejudge(row: Row, criterion: DaiCriterion) -> tuple[Row, bool]:
    """Give a row the verdict of a criterion.

    Args:
        row: a row with barriers of both ions, ``status`` ok.
        criterion: thresholds.

    Returns:
        The row, and whether the cation's barrier is below its threshold.
    """
    cation, anion = (_barriers(row, ion, "_ev", math.inf) for ion in ("cation", "anion"))
    verdict = judge_pair(cation, anion, criterion)
    refined = [_barriers(row, ion, "_refined_ev", math.nan) for ion in ("cation", "anion")]
    by_recipe = judge_pair(
        _triple(row, "e{n}d_cation_grid_ev", math.inf),
        _triple(row, "published_e{n}d_anion_ev", math.inf),
        criterion,
    )
    numerical = grid_flags(refined[0], refined[1], verdict, criterion)
    ensemble = ensemble_of(row)
    by_disorder = disorder_flags(ensemble, verdict.dai, criterion) if ensemble else ()
    fresh_flags = (*verdict.flags, *mechanism_flags(verdict, by_recipe), *by_disorder, *numerical)
    of_structure = [flag for flag in split_flags(row.get("flags")) if flag not in VERDICT_FLAGS]
    ratios = {f"ratio_{n}d": ratio for n, ratio in enumerate(verdict.ratios, start=1)}
    fresh: Row = {
        **row,
        **ratios,
        **published_columns(by_recipe),
        **calibrated_columns(row, dimensionality=criterion.dimensionality),
        **(judged_columns(ensemble, criterion) if ensemble else {}),
        "dai": verdict.dai,
        "dai_dimensions": verdict.dimensions,
        "dai_other_reading": verdict.dai_other_reading,
        "flags": join_flags((*of_structure, *fresh_flags)),
    }
    return fresh, verdict.cation_below


def _barriers(row: Row, ion: str, ending: str, missing: float) -> Triple:
    return _triple(row, f"e{{n}}d_{ion}{ending}", missing)


def _triple(row: Row, key: str, missing: float) -> Triple:
    values = [row.get(key.format(n=n)) for n in (1, 2, 3)]
    one, two, three = (float(v) if isinstance(v, int | float) else missing for v in values)
    return one, two, three
