"""Candidates in order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from dualion.results.calibrated import mechanism_of, neb_barrier
from dualion.results.columns import Row
from dualion.results.score import ScoreWeights, score_columns
from dualion.results.shortlist import compound_columns


def rank_candidates(
    rows: Iterable[Row], *, dimensionality: int = 3, weights: ScoreWeights | None = None
) -> list[Row]:
    """The candidates, best score first, with the columns of rank, score and compound.

    A candidate is a row whose verdict is positive and that is not set aside. Anions known by the
    empty lattice alone follow all that have better evidence, elastic bands included.

    Args:
        rows: rows of ``screened.csv``; what a score needs is named in ``NEEDED``.
        dimensionality: 1, 2 or 3: the barriers that count.
        weights: of the score's parts; the defaults if none are given.
    """
    weights = weights or ScoreWeights()
    passed = [
        {**row, **score_columns(row, dimensionality=dimensionality, weights=weights)}
        for row in rows
        if row.get("dai") is True and not row.get("set_aside")
    ]
    passed.sort(key=lambda row: _order(row, dimensionality))
    grouped = zip(passed, compound_columns(passed), strict=True)
    return [
        {**row, **compound, "rank": rank} for rank, (row, compound) in enumerate(grouped, start=1)
    ]


def rank_again(rows: Sequence[Row], *, dimensionality: int) -> list[Row]:
    """Bring ranked rows whose scores have changed into their new order.

    Args:
        rows: rows of ``candidates.csv``.
        dimensionality: 1, 2 or 3: the barriers that were scored.
    """
    ordered = sorted(rows, key=lambda row: _order(row, dimensionality))
    grouped = zip(ordered, compound_columns(ordered), strict=True)
    return [
        {**row, **compound, "rank": rank} for rank, (row, compound) in enumerate(grouped, start=1)
    ]


def _order(row: Row, dimensionality: int) -> tuple[object, ...]:
    """Evidence first, then falling score as the table shows it, then names: ties keep an order."""
    score = round(float(row.get("score") or 0.0), 6)
    without_bands = math.isnan(neb_barrier(row, "anion", dimensionality))
    empty_lattice_alone = without_bands and mechanism_of(row, "anion") == "empty_lattice"
    return (
        empty_lattice_alone,
        -score,
        *(str(row.get(key)) for key in ("source_id", "cation", "anion")),
    )
