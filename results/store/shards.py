"""From one store to another and back: parts of a campaign that are computed elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select

from dualion.results.store.queries import PAGE
from dualion.results.store.schema import entries, structures
from dualion.results.store.store import Store

FACTS = ("asked", "cations", "anions")
"""Columns of a structure that a computation settles."""


def copy_structures(
    store: Store, numbers: Sequence[int], into: Store, *, plan: int, start: int
) -> None:
    """Copy structures and their tasks into another store, as entries from a position on.

    Args:
        store: the store to copy from.
        numbers: numbers of the structures.
        into: the store to copy into.
        plan: number of the reading in that store.
        start: position of the first entry.
    """
    with store.reading() as connection:
        statement = select(structures).where(structures.c.id.in_(numbers))
        found = [dict(row) for row in connection.execute(statement).mappings()]
        tasks_of = store.records(connection, numbers, None)
    keys = {row.pop("id"): row["key"] for row in found}
    with into.writing() as connection:
        statement = into.insert(structures).on_conflict_do_nothing(index_elements=["key"])
        connection.execute(statement, found)
        ids = into.ids_of(connection, keys.values())
        connection.execute(
            insert(entries),
            [
                _entry(plan, position, key, ids[key])
                for position, key in enumerate(keys.values(), start=start)
            ],
        )
    into.write_records({ids[keys[number]]: records for number, records in tasks_of.items()})


def _entry(plan: int, position: int, key: str, structure_id: int) -> dict[str, Any]:
    """Make an entry that names its structure by key: a shard's tables are never read."""
    return {
        "plan": plan,
        "position": position,
        "source": "store",
        "source_id": key,
        "metadata": "{}",
        "structure_id": structure_id,
    }


def merge(store: Store, other: Store) -> int:
    """Take over all tasks and facts of another store, by key, and count the structures.

    Args:
        store: the store to write.
        other: the store to read.
    """
    merged, last = 0, 0
    columns = [structures.c[name] for name in ("id", "key", *FACTS)]
    while True:
        statement = (
            select(*columns)
            .where(structures.c.id > last, structures.c.asked.is_not(None))
            .order_by(structures.c.id)
            .limit(PAGE)
        )
        with other.reading() as connection:
            page = connection.execute(statement).all()
            tasks_of = other.records(connection, [row.id for row in page], None)
        if not page:
            return merged
        with store.reading() as connection:
            ids = store.ids_of(connection, [row.key for row in page])
        store.write_outcomes(
            [
                (ids[row.key], tasks_of.get(row.id, []), {n: getattr(row, n) for n in FACTS})
                for row in page
                if row.key in ids
            ]
        )
        merged += len(page)
        last = page[-1].id
