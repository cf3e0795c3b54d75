"""Candidates in order."""

from __future__ import annotations

from collections.abc import Iterable

from dualion.results.calibrated import mechanism_of
from dualion.results.columns import Row
from dualion.results.score import ScoreWeights, score_columns


def rank_candidates(
    rows: Iterable[Row], *, dimensionality: int = 3, weights: ScoreWeights | None = None
) -> list[Row]:
    """The rows whose verdict is positive, best score first, with ``rank`` and ``score`` columns.

    Anions known by the empty lattice alone follow all that have better evidence.

    Args:
        rows: rows of ``screened.csv``; what a score needs is named in ``NEEDED``.
        dimensionality: 1, 2 or 3: the barriers that count.
        weights: of the score's parts; the defaults if none are given.
    """
    weights = weights or ScoreWeights()
    passed = [
        {**row, **score_columns(row, dimensionality=dimensionality, weights=weights)}
        for row in rows
        if row.get("dai") is True
    ]
    passed.sort(key=_order)
    return [{"rank": rank, **row} for rank, row in enumerate(passed, start=1)]


def _order(row: Row) -> tuple[object, ...]:
    """Evidence first, then falling score as the table shows it, then names: ties keep an order."""
    score = round(float(row.get("score") or 0.0), 6)
    empty_lattice_alone = mechanism_of(row, "anion") == "empty_lattice"
    return (
        empty_lattice_alone,
        -score,
        *(str(row.get(key)) for key in ("source_id", "cation", "anion")),
    )
