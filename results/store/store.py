"""``Store``: what a campaign reads from and writes to its database."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, case, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dualion.results.columns import SCREENED, Row
from dualion.results.store import database
from dualion.results.store.queries import (
    PAGE,
    entry_of,
    entry_row,
    is_open,
    note_facts,
    pending_page,
    structure_row,
)
from dualion.results.store.records import Entry, Pending, TaskRecord
from dualion.results.store.schema import entries, layouts, meta, structures, tasks

ROW_COLUMNS = tuple(
    column.key
    for column in SCREENED
    if column.key not in ("source", "source_id", "status", "reason", "seconds", "key")
)
"""Columns kept in ``tasks.row``; the others have a column or a table of their own."""

_encoded = json.JSONEncoder(separators=(",", ":")).encode  # json.dumps would make one a row


class Store:
    """A campaign's database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._layouts: dict[int, list[str]] = {}
        self._layout: int | None = None

    @classmethod
    def open(cls, url: str | Path, *, shared_disk: bool = False) -> tuple[Store, int]:
        """Open or make a store, bringing an older one up to date.

        Args:
            url: path of a SQLite file, or URL of a database.
            shared_disk: use a journal that works between machines; slower.

        Returns:
            The store, and the version that was found (0 for a new one).

        Raises:
            StoreError: it cannot be opened.
        """
        at = database.sqlite_url(url) if isinstance(url, Path) else url
        engine = database.open_engine(at, journal="DELETE" if shared_disk else "WAL")
        found, _ = database.open_schema(engine)
        return cls(engine), found

    @classmethod
    def read_only(cls, url: str | Path) -> Store:
        """Open a store to read it.

        Raises:
            StoreError: it cannot be opened, or has another version.
        """
        at = database.sqlite_url(url, read_only=True) if isinstance(url, Path) else url
        engine = database.open_engine(at)
        try:
            database.check_version(engine)
        except database.StoreError:
            if not isinstance(url, Path) or os.access(url.parent, os.W_OK):
                raise
            engine.dispose()
            at = database.sqlite_url(url, read_only=True, immutable=True)
            engine = database.open_engine(at)
            database.check_version(engine)
        return cls(engine)

    def close(self) -> None:
        """Close the database."""
        self.engine.dispose()

    # --- notes -------------------------------------------------------------------------------

    def note(self, key: str) -> str | None:
        """Return a value noted under a name, or None."""
        with self.reading() as connection:
            found = connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar()
            return None if found is None else str(found)

    def set_notes(self, notes: Mapping[str, str]) -> None:
        """Note values under names."""
        with self.writing() as connection:
            rows = [{"key": key, "value": value} for key, value in notes.items()]
            connection.execute(self.upsert(meta, ["key"], ["value"]), rows)

    # --- input -------------------------------------------------------------------------------

    def write_entries(self, plan: int, batch: Sequence[Entry]) -> None:
        """Add entries of a reading of the sources; known structures stay as they are.

        Args:
            plan: number of the reading.
            batch: the entries.
        """
        sound = {entry.key: entry for entry in batch if entry.reason is None}
        with self.writing() as connection:
            if sound:
                connection.execute(
                    self.insert(structures).on_conflict_do_nothing(index_elements=["key"]),
                    [structure_row(entry) for entry in sound.values()],
                )
            found = connection.execute(
                select(structures.c.key, structures.c.id).where(structures.c.key.in_(sound))
            )
            ids = {str(key): int(number) for key, number in found.all()}
            connection.execute(insert(entries), [entry_row(e, plan, ids) for e in batch])

    def forget_plans(self, keep: int) -> None:
        """Drop the entries of all readings but one."""
        with self.writing() as connection:
            connection.execute(delete(entries).where(entries.c.plan != keep))

    def count_entries(self, plan: int) -> dict[str, int]:
        """Count entries, distinct structures and rejections of a plan."""
        of_plan = (
            select(entries.c.structure_id)
            .where(entries.c.plan == plan, entries.c.structure_id.is_not(None))
            .distinct()
        )
        with self.reading() as connection:
            total, rejected = connection.execute(
                select(
                    func.count(),
                    func.coalesce(
                        func.sum(case((entries.c.structure_id.is_(None), 1), else_=0)), 0
                    ),
                ).where(entries.c.plan == plan)
            ).one()
            distinct = connection.execute(
                select(func.count()).select_from(of_plan.subquery())
            ).scalar_one()
        return {"entries": int(total), "rejected": int(rejected), "structures": int(distinct)}

    # --- what is left ------------------------------------------------------------------------

    def pending(self, plan: int, asked: str, scopes: Sequence[str]) -> Iterator[list[Pending]]:
        """Structures of a plan that are not done, costly ones first, page by page.

        Args:
            plan: number of the reading of the sources.
            asked: hash of what is asked; structures that carry it are done.
            scopes: scopes of the tasks that count.
        """
        after: tuple[float, int] | None = None
        while True:
            with self.reading() as connection:
                page = pending_page(connection, plan, asked, scopes, after)
            if not page:
                return
            after = (page[-1].cost_s, page[-1].id)
            yield page

    def count_pending(self, plan: int, asked: str) -> tuple[int, float]:
        """Count the structures of a plan that are not done, and estimate their time, s.

        Args:
            plan: number of the reading of the sources.
            asked: hash of what is asked.
        """
        open_ones = select(structures.c.cost_s).where(is_open(plan, asked)).subquery()
        with self.reading() as connection:
            count, cost = connection.execute(
                select(func.count(), func.coalesce(func.sum(open_ones.c.cost_s), 0.0))
            ).one()
        return int(count), float(cost)

    # --- results -----------------------------------------------------------------------------

    def write_outcomes(
        self, batch: Sequence[tuple[int, Sequence[TaskRecord], Mapping[str, Any]]]
    ) -> None:
        """Write what became of structures, all or nothing.

        Args:
            batch: for each structure its number, its finished tasks, and the columns of
                ``structures`` to set (``asked``, ``cations``, ``anions``).
        """
        with self.writing() as connection:
            rows = [
                self._task_row(connection, number, record)
                for number, records, _ in batch
                for record in records
            ]
            if rows:
                connection.execute(self._upsert_tasks(), rows)
            note_facts(connection, [(number, facts) for number, _, facts in batch])

    def settle(self, numbers: Sequence[int], asked: str) -> None:
        """Note that structures are done without anything new to compute.

        Args:
            numbers: numbers of the structures.
            asked: hash of what is asked.
        """
        with self.writing() as connection:
            connection.execute(
                update(structures).where(structures.c.id.in_(numbers)).values(asked=asked)
            )

    def reopen(self, status: str) -> int:
        """Forget tasks of a status, so that they run again, and count them."""
        numbers = select(tasks.c.structure_id).where(tasks.c.status == status)
        with self.writing() as connection:
            connection.execute(
                update(structures).where(structures.c.id.in_(numbers)).values(asked=None)
            )
            gone = connection.execute(delete(tasks).where(tasks.c.status == status))
        return int(gone.rowcount)

    def rows(self, plan: int, scopes: Sequence[str]) -> Iterator[tuple[Entry, list[TaskRecord]]]:
        """Read the entries of a plan in their order, with the tasks of each.

        Args:
            plan: number of the reading of the sources.
            scopes: scopes of the tasks that count.
        """
        after = -1
        while True:
            with self.reading() as connection:
                page, found = self._rows_page(connection, plan, scopes, after)
            if not page:
                return
            for entry, number in page:
                yield entry, found.get(number, []) if number is not None else []
            after = page[-1][0].position

    def counts(self, plan: int, scopes: Sequence[str]) -> list[tuple[str, str, int]]:
        """Count tasks of a plan by status and reason.

        Args:
            plan: number of the reading of the sources.
            scopes: scopes of the tasks that count.
        """
        of_plan = select(entries.c.structure_id).where(entries.c.plan == plan)
        statement = (
            select(tasks.c.status, tasks.c.reason, func.count())
            .where(tasks.c.scope.in_(scopes), tasks.c.structure_id.in_(of_plan))
            .group_by(tasks.c.status, tasks.c.reason)
        )
        with self.reading() as connection:
            return [(str(s), str(r or ""), int(n)) for s, r, n in connection.execute(statement)]

    # --- within ------------------------------------------------------------------------------

    def reading(self) -> Any:
        """Open a connection to read from."""
        return database.Session(self.engine, self.engine.connect())

    def writing(self) -> Any:
        """Open a transaction: all that is written in it is kept, or nothing."""
        return database.Session(self.engine, self.engine.begin())

    def insert(self, table: Any) -> Any:
        """Make an insert in the database's own dialect, which can handle conflicts."""
        dialect = sqlite if self.engine.dialect.name == "sqlite" else postgresql
        return dialect.insert(table)

    def upsert(self, table: Any, by: list[str], change: list[str]) -> Any:
        """Make an insert that changes these columns where its key is there already."""
        statement = self.insert(table)
        return statement.on_conflict_do_update(
            index_elements=by, set_={name: statement.excluded[name] for name in change}
        )

    def _upsert_tasks(self) -> Any:
        return self.upsert(tasks, ["key"], [c.name for c in tasks.columns if c.name != "key"])

    def write_records(self, records: Mapping[int, Sequence[TaskRecord]]) -> None:
        """Write finished tasks of structures, given by their numbers."""
        with self.writing() as connection:
            rows = [
                self._task_row(connection, number, record)
                for number, found in records.items()
                for record in found
            ]
            if rows:
                connection.execute(self._upsert_tasks(), rows)

    @staticmethod
    def ids_of(connection: Connection, keys: Iterable[str]) -> dict[str, int]:
        """Find numbers of structures by key; unknown keys are left out.

        Args:
            connection: an open connection.
            keys: keys of structures.
        """
        found = connection.execute(
            select(structures.c.key, structures.c.id).where(structures.c.key.in_(list(keys)))
        )
        return {str(key): int(number) for key, number in found}

    def _task_row(self, connection: Connection, number: int, record: TaskRecord) -> dict[str, Any]:
        row = record.row
        return {
            "key": record.key,
            "structure_id": number,
            "scope": record.scope,
            "cation": record.cation,
            "anion": record.anion,
            "status": row["status"],
            "stage": record.stage,
            "reason": row.get("reason"),
            "seconds": row.get("seconds"),
            "layout": self._own_layout(connection),
            "row": _encoded([row.get(key) for key in ROW_COLUMNS]),
            "traceback": record.traceback or None,
        }

    def _own_layout(self, connection: Connection) -> int:
        """Return the number of the present columns' layout, noted once."""
        if self._layout is None:
            text = json.dumps(ROW_COLUMNS)
            connection.execute(
                self.insert(layouts).on_conflict_do_nothing(index_elements=["columns"]),
                {"columns": text},
            )
            self._layout = connection.execute(
                select(layouts.c.id).where(layouts.c.columns == text)
            ).scalar_one()
        return self._layout

    def _columns_of(self, connection: Connection, layout: int) -> list[str]:
        if layout not in self._layouts:
            text = connection.execute(
                select(layouts.c.columns).where(layouts.c.id == layout)
            ).scalar_one()
            self._layouts[layout] = json.loads(text)
        return self._layouts[layout]

    def _rows_page(
        self, connection: Connection, plan: int, scopes: Sequence[str], after: int
    ) -> tuple[list[tuple[Entry, int | None]], dict[int, list[TaskRecord]]]:
        statement = (
            select(entries)
            .where(entries.c.plan == plan, entries.c.position > after)
            .order_by(entries.c.position)
            .limit(PAGE)
        )
        page = [(entry_of(row), row.structure_id) for row in connection.execute(statement)]
        numbers = sorted({number for _, number in page if number is not None})
        return page, self.records(connection, numbers, scopes)

    def records_of(
        self, numbers: Sequence[int], scopes: Sequence[str]
    ) -> dict[int, list[TaskRecord]]:
        """Read the tasks of structures, by number.

        Args:
            numbers: numbers of the structures.
            scopes: scopes of the tasks that count.
        """
        with self.reading() as connection:
            return self.records(connection, numbers, scopes)

    def records(
        self, connection: Connection, numbers: Sequence[int], scopes: Sequence[str] | None
    ) -> dict[int, list[TaskRecord]]:
        """Read the tasks of structures on an open connection, by number.

        Args:
            connection: an open connection.
            numbers: numbers of the structures.
            scopes: scopes of the tasks that count; None for all.
        """
        statement = select(tasks).where(tasks.c.structure_id.in_(numbers)).order_by(tasks.c.key)
        if scopes is not None:
            statement = statement.where(tasks.c.scope.in_(scopes))
        found: dict[int, list[TaskRecord]] = {}
        for task in connection.execute(statement):
            columns = self._columns_of(connection, task.layout)
            row: Row = dict(zip(columns, json.loads(task.row), strict=True))
            row |= {"status": task.status, "reason": task.reason, "seconds": task.seconds}
            row["key"] = task.key
            record = TaskRecord(
                key=task.key,
                scope=task.scope,
                cation=task.cation,
                anion=task.anion,
                stage=task.stage,
                row=row,
                traceback=task.traceback or "",
            )
            found.setdefault(task.structure_id, []).append(record)
        return found
