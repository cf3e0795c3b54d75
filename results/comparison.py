"""Two runs side by side: which candidates entered, left and moved, and why."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dualion.results.calibrated import as_number
from dualion.results.columns import Row
from dualion.results.run_folder import Identity, RunFolder, identity
from dualion.results.score import PARTS

SAME_EV = 0.0005
"""Barriers closer than this count as equal."""
SHOWN_PART = 0.005
"""A part of the score that changed by less is no reason."""
OF_BARRIERS = ("cation_moves", "anion_moves")
"""Parts that follow the barriers, which are told themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one pair.

    Attributes:
        kind: ``entered``, ``left`` or ``moved``.
        pair: source, name, cation, anion.
        formula: reduced formula.
        before, after: its ranks; None where it is no candidate.
        why: the reasons, in words.
    """

    kind: str
    pair: Identity
    formula: str
    before: int | None
    after: int | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs compared.

    Attributes:
        settings: settings and versions that differ: name, first, second.
        changes: candidates that entered, left or moved, in this order.
        only_first, only_second: rows that the other run has not.
        changed_barriers: pairs whose barriers differ.
        shared: pairs that both hold.
    """

    settings: tuple[tuple[str, str, str], ...]
    changes: tuple[Change, ...]
    only_first: int
    only_second: int
    changed_barriers: int
    shared: int


def compare_runs(first: RunFolder, second: RunFolder) -> Comparison:
    """Compare two runs, pair by pair.

    Args:
        first: the earlier run.
        second: the later run.
    """
    rows = [{identity(row): row for row in run.rows} for run in (first, second)]
    found = [{identity(row): row for row in run.candidates} for run in (first, second)]
    settings = tuple(_differences(first.sidecar, second.sidecar))
    criteria = any(name.startswith("options.criterion") for name, _, _ in settings)
    changes = [
        change
        for pair in dict.fromkeys([*found[1], *found[0]])
        if (change := _change(pair, rows, found, second.dimensionality, criteria))
    ]
    kinds = ("entered", "left", "moved")
    changes.sort(key=lambda c: (kinds.index(c.kind), c.after or math.inf, c.before or math.inf))
    shared = rows[0].keys() & rows[1].keys()
    return Comparison(
        settings=settings,
        changes=tuple(changes),
        only_first=len(rows[0].keys() - shared),
        only_second=len(rows[1].keys() - shared),
        changed_barriers=sum(bool(_barrier_changes(rows[0][p], rows[1][p])) for p in shared),
        shared=len(shared),
    )


Pair = list[dict[Identity, Row]]


def _change(
    pair: Identity, rows: Pair, found: Pair, dimensionality: int, criteria: bool
) -> Change | None:
    before, after = (_rank(side.get(pair)) for side in found)
    if before == after:
        return None
    if before is not None and after is not None:
        kind, why = "moved", _why_moved(found[0][pair], found[1][pair])
    elif before is None:
        kind, why = "entered", _why_passed(pair, rows[0], rows[1], dimensionality, criteria)
    else:
        kind, why = "left", _why_passed(pair, rows[1], rows[0], dimensionality, criteria)
    row = found[1].get(pair) or found[0][pair]
    formula = str(row.get("reduced_formula") or "")
    return Change(kind=kind, pair=pair, formula=formula, before=before, after=after, why=why)


def _rank(row: Row | None) -> int | None:
    return int(row["rank"] or 0) if row else None


def _why_passed(
    pair: Identity,
    failing: Mapping[Identity, Row],
    passing: Mapping[Identity, Row],
    dimensionality: int,
    criteria: bool,
) -> str:
    """Explain why a pair passes in one run and not in the other."""
    if pair not in failing:
        return _why_absent(pair, failing)
    other, row = failing[pair], passing[pair]
    if other.get("status") != "ok":
        return f"{other.get('status')} there: {str(other.get('reason')).replace('_', ' ')}"
    changed = _barrier_changes(other, row, dimensionality)
    reasons = changed[:2] + (["the criterion differs"] if criteria else [])
    return "; ".join(reasons) or "the verdict differs though the barriers do not"


def _why_absent(pair: Identity, rows: Mapping[Identity, Row]) -> str:
    source, name, _, _ = pair
    same = [row for other, row in rows.items() if other[:2] == (source, name)]
    if not same:
        return "the structure is not in that run"
    lost = [row for row in same if row.get("status") != "ok"]
    if lost:
        return f"{lost[0].get('status')} there: {str(lost[0].get('reason')).replace('_', ' ')}"
    return "the pair was not asked for in that run"


def _barrier_changes(first: Row, second: Row, dimensionality: int = 0) -> list[str]:
    """Describe the barriers that differ, of one dimensionality or of all (0)."""
    found = []
    for n in (dimensionality,) if dimensionality else (1, 2, 3):
        for ion in ("cation", "anion"):
            old, new = (as_number(row.get(f"e{n}d_{ion}_ev")) for row in (first, second))
            if old != new and not abs(old - new) < SAME_EV and not (old != old and new != new):
                found.append(f"E({ion}) {n}D {_energy(old)} → {_energy(new)}")
    return found


def _energy(value: float) -> str:
    if math.isnan(value):
        return "unknown"
    return "∞" if math.isinf(value) else f"{value:.3f}"


def _why_moved(first: Row, second: Row) -> str:
    changed = _barrier_changes(first, second)[:2]
    for part in PARTS:
        old, new = (as_number(row.get(f"score_{part}")) for row in (first, second))
        if abs(old - new) > SHOWN_PART and part not in OF_BARRIERS:
            changed.append(f"{part.replace('_', ' ')} {old:.2f} → {new:.2f}")
    return "; ".join(changed) or "others entered, left or moved"


def _differences(first: dict[str, Any], second: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    parts = ("options", "versions", "pair_parameters", "schema_version", "inputs")
    flat = [dict(_flat({key: side.get(key) for key in parts})) for side in (first, second)]
    for name in dict.fromkeys([*flat[0], *flat[1]]):
        old, new = (side.get(name, "–") for side in flat)
        if old != new:
            yield name, old, new


def _flat(value: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list):
        yield prefix, ", ".join(str(item) for item in value) or "all"
    else:
        yield prefix, str(value)
