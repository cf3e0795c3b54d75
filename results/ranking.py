"""Candidates in order."""

from __future__ import annotations

import math
from collections.abc import Iterable

from results.columns import Row


def ranked_candidates(rows: Iterable[Row], *, dimensionality: int = 3) -> list[Row]:
    """The rows whose verdict is positive, best first, with their ``rank``.

    Free anions come before bound ones, ratios that mean something before those that symmetry
    forces, verdicts that hold at every dimensionality before those that depend on it; then the
    lower of the two barriers' larger one wins, since the slower ion limits both.
    """

    def order(row: Row) -> tuple[object, ...]:
        flags = str(row.get("flags") or "").split(";")
        cation, anion = (row.get(f"e{dimensionality}d_{ion}_ev") for ion in ("cation", "anion"))
        limiting = max(_number(cation), _number(anion))
        return (
            bool(row.get("anion_bound")),
            "ratio_forced_by_symmetry" in flags,
            "dimensionality_decides" in flags,
            limiting,
            str(row.get("source_id")),
            str(row.get("cation")),
            str(row.get("anion")),
        )

    passed = sorted((row for row in rows if row.get("dai") is True), key=order)
    return [{"rank": rank, **row} for rank, row in enumerate(passed, start=1)]


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.inf
