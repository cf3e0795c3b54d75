"""Single statements on an open connection, and rows as plain data."""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, or_, select, tuple_, update

from dualion.results.store.records import Entry, Pending
from dualion.results.store.schema import entries, structures, tasks

PAGE = 1000
"""Rows that are read at once."""


def note_facts(connection: Connection, noted: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Set columns of structures, those with the same columns at once.

    Args:
        connection: an open connection.
        noted: number of each structure and the columns to set.
    """
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for number, facts in noted:
        by_columns.setdefault(tuple(facts), []).append({**facts, "number": number})
    for names, rows in by_columns.items():
        statement = update(structures).where(structures.c.id == bindparam("number"))
        connection.execute(statement.values({name: bindparam(name) for name in names}), rows)


def structure_row(entry: Entry) -> dict[str, Any]:
    """Make the row of a structure, its text compressed."""
    packed = zlib.compress(entry.text.encode("utf-8", "surrogatepass"))
    return {"key": entry.key, "format": entry.format, "text": packed, "cost_s": entry.cost_s}


def entry_row(entry: Entry, plan: int, ids: Mapping[str, int]) -> dict[str, Any]:
    """Make the row of an entry.

    Args:
        entry: the entry.
        plan: number of the reading of the sources.
        ids: numbers of structures by key.
    """
    return {
        "plan": plan,
        "position": entry.position,
        "source": entry.source,
        "source_id": entry.source_id,
        "metadata": json.dumps(dict(entry.metadata)),
        "structure_id": ids.get(entry.key),
        "reason": entry.reason,
        "message": entry.message,
    }


def entry_of(row: Any) -> Entry:
    """Rebuild an entry from its row, without the text."""
    return Entry(
        position=row.position,
        source=row.source,
        source_id=row.source_id,
        metadata=json.loads(row.metadata),
        reason=row.reason,
        message=row.message,
    )


def is_open(plan: int, asked: str) -> Any:
    """Select structures of a plan that are not done.

    Args:
        plan: number of the reading of the sources.
        asked: hash of what is asked; structures that carry it are done.
    """
    of_plan = select(entries.c.structure_id).where(
        entries.c.plan == plan, entries.c.structure_id == structures.c.id
    )
    return and_(or_(structures.c.asked.is_(None), structures.c.asked != asked), of_plan.exists())


def pending_page(
    connection: Connection,
    plan: int,
    asked: str,
    scopes: Sequence[str],
    after: tuple[float, int] | None,
) -> list[Pending]:
    """Read a page of the structures that are not done, costly ones first.

    Args:
        connection: an open connection.
        plan: number of the reading of the sources.
        asked: hash of what is asked.
        scopes: scopes of the tasks that count.
        after: cost in s and number of the last structure of the page before.
    """
    statement = (
        select(structures)
        .where(is_open(plan, asked))
        .order_by(structures.c.cost_s.desc(), structures.c.id.desc())
        .limit(PAGE)
    )
    if after is not None:
        place = tuple_(structures.c.cost_s, structures.c.id)
        statement = statement.where(place < tuple_(*after))
    found = connection.execute(statement).all()
    numbers = [row.id for row in found]
    first = first_entries(connection, plan, numbers)
    done = finished_tasks(connection, numbers, scopes)
    return [pending_of(row, first[row.id], done.get(row.id, ())) for row in found]


def first_entries(connection: Connection, plan: int, numbers: Sequence[int]) -> dict[int, Any]:
    """Read the first entry of each structure.

    Args:
        connection: an open connection.
        plan: number of the reading of the sources.
        numbers: numbers of the structures.
    """
    statement = (
        select(
            *(entries.c[name] for name in ("structure_id", "source", "source_id", "metadata")),
        )
        .where(entries.c.plan == plan, entries.c.structure_id.in_(numbers))
        .order_by(entries.c.position.desc())
    )
    return {row.structure_id: row for row in connection.execute(statement)}  # the first one wins


def finished_tasks(
    connection: Connection, numbers: Sequence[int], scopes: Sequence[str]
) -> dict[int, tuple[tuple[str, str, str, str], ...]]:
    """Read scope, cation, anion and status of the tasks of structures.

    Args:
        connection: an open connection.
        numbers: numbers of the structures.
        scopes: scopes of the tasks that count.
    """
    statement = (
        select(
            *(tasks.c[name] for name in ("structure_id", "scope", "cation", "anion", "status")),
        )
        .where(tasks.c.structure_id.in_(numbers), tasks.c.scope.in_(scopes))
        .order_by(tasks.c.structure_id)
    )
    by_structure = itertools.groupby(connection.execute(statement), key=lambda row: row[0])
    return {number: tuple(tuple(row)[1:] for row in rows) for number, rows in by_structure}


def pending_of(row: Any, first: Any, done: tuple[tuple[str, str, str, str], ...]) -> Pending:
    """Make a pending structure from its row.

    Args:
        row: row of the structure.
        first: row of its first entry.
        done: its finished tasks.
    """
    return Pending(
        id=row.id,
        key=row.key,
        format=row.format,
        text=zlib.decompress(row.text).decode("utf-8", "surrogatepass"),
        cost_s=row.cost_s,
        source=first.source,
        source_id=first.source_id,
        metadata=json.loads(first.metadata),
        cations=symbols(row.cations),
        anions=symbols(row.anions),
        done=done,
    )


def symbols(text: str | None) -> tuple[str, ...] | None:
    """Split symbols; None where they are not known."""
    return None if text is None else tuple(text.split())
