"""Judge a row anew: barriers stay, the verdict follows the criterion of the day."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dualion.results.calibrated import calibrated_columns
from dualion.results.columns import Row
from dualion.results.ensemble_columns import ensemble_of, judged_columns
from dualion.results.guest_rows import is_guest
from dualion.results.rows import published_columns
from dualion.results.vocabulary import VERDICT_FLAGS, join_flags, split_flags
from dualion.screening.criterion import grid_flags, judge_pair, mechanism_flags
from dualion.screening.disorder_ensemble import disorder_flags
from dualion.screening.guests.judge import cations_decide, guest_fits, guest_verdict
from dualion.screening.triple import Triple

if TYPE_CHECKING:
    from dualion.screening.criterion import DaiCriterion, Verdict


def rejudge(row: Row, criterion: DaiCriterion, *, calibrated: bool = True) -> tuple[Row, bool]:
    """Give a row the verdict of a criterion.

    Args:
        row: a row with barriers of both ions, ``status`` ok.
        criterion: thresholds.
        calibrated: whether its pair energies are those for which calibrations were fitted.

    Returns:
        The row, and whether the cation's barrier is below its threshold.
    """
    cation, anion = (_barriers(row, ion, "_ev", math.inf) for ion in ("cation", "anion"))
    verdict = judge_pair(cation, anion, criterion)
    further: Row = {}
    if calibrated:
        further |= calibrated_columns(row, dimensionality=criterion.dimensionality)
    if is_guest(row):  # the published recipe knows none, and its barriers have no grid's error
        verdict, more = _guest_verdict(row, verdict, (cation, anion), criterion)
    else:
        by_recipe, more = _own_verdict(row, verdict, criterion)
        further |= published_columns(by_recipe)
        if ensemble := ensemble_of(row):
            further |= judged_columns(ensemble, criterion)
            more += disorder_flags(ensemble, verdict.dai, criterion)
    of_structure = [flag for flag in split_flags(row.get("flags")) if flag not in VERDICT_FLAGS]
    ratios = {f"ratio_{n}d": ratio for n, ratio in enumerate(verdict.ratios, start=1)}
    fresh: Row = {
        **row,
        **ratios,
        **further,
        "dai": verdict.dai,
        "dai_dimensions": verdict.dimensions,
        "dai_other_reading": verdict.dai_other_reading,
        "flags": join_flags((*of_structure, *verdict.flags, *more)),
    }
    return fresh, verdict.cation_below


def _own_verdict(
    row: Row, verdict: Verdict, criterion: DaiCriterion
) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict by the published recipe, and what decides the one that counts."""
    refined = [_barriers(row, ion, "_refined_ev", math.nan) for ion in ("cation", "anion")]
    by_recipe = judge_pair(
        _triple(row, "e{n}d_cation_grid_ev", math.inf),
        _triple(row, "published_e{n}d_anion_ev", math.inf),
        criterion,
    )
    numerical = grid_flags(refined[0], refined[1], verdict, criterion)
    return by_recipe, (*mechanism_flags(verdict, by_recipe), *numerical)


def _guest_verdict(
    row: Row, verdict: Verdict, ions_ev: tuple[Triple, Triple], criterion: DaiCriterion
) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict on a guest, and whether the mobile cations decide it."""
    share = _number(row, "guest_room_share", math.nan)
    insertion = _number(row, "guest_insertion_ev", math.nan)
    removed = _triple(row, "guest_e{n}d_no_cations_ev", math.nan)
    return (
        guest_verdict(verdict, fits=guest_fits(share, insertion)),
        cations_decide(*ions_ev, removed, criterion),
    )


def _barriers(row: Row, ion: str, ending: str, missing: float) -> Triple:
    return _triple(row, f"e{{n}}d_{ion}{ending}", missing)


def _triple(row: Row, key: str, missing: float) -> Triple:
    return Triple(*(_number(row, key.format(n=n), missing) for n in (1, 2, 3)))


def _number(row: Row, key: str, missing: float) -> float:
    value = row.get(key)
    return float(value) if isinstance(value, int | float) else missing
