"""``Store``: what a campaign reads from and writes to its database."""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from results.columns import SCREENED, Row
from results.store import database
from results.store.schema import entries, layouts, meta, structures, tasks

PAGE = 1000
"""Rows that are read at once."""

ROW_COLUMNS = tuple(
    column.key
    for column in SCREENED
    if column.key not in ("source", "source_id", "status", "reason", "seconds", "key")
)
"""Columns kept in ``tasks.row``; the others have a column or a table of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One structure of the input, or a rejection (``reason`` given, no text).

    Attributes:
        position: place in the input.
        source, source_id: where it came from, its name there.
        metadata: what the source knows beside the structure.
        key: hash of format and text.
        format, text: the structure; empty for a rejection.
        cost_s: estimated computing time, s.
        reason, message: why it is no structure.
    """

    position: int
    source: str
    source_id: str
    metadata: Mapping[str, Any]
    key: str = ""
    format: str = ""
    text: str = ""
    cost_s: float = 0.0
    reason: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """One finished task.

    Attributes:
        key: hash of structure, ions and conventions.
        scope: hash of the options that it holds for; empty where it holds for all.
        cation, anion: symbols; for a row without numbers all cations that were asked for.
        stage: where the structure ended.
        row: the row of ``screened.csv``.
        traceback: where a failure happened.
    """

    key: str
    scope: str
    cation: str
    anion: str
    stage: str
    row: Row
    traceback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A structure that is not done, with what is known of it.

    Attributes:
        id: its number in the store.
        key, format, text, cost_s: as in ``Entry``.
        source, source_id, metadata: those of its first entry.
        cations, anions: symbols of its ions; None until it was prepared.
        done: tasks that exist, as (scope, cation, anion, status).
    """

    id: int
    key: str
    format: str
    text: str
    cost_s: float
    source: str
    source_id: str
    metadata: Mapping[str, Any]
    cations: tuple[str, ...] | None
    anions: tuple[str, ...] | None
    done: tuple[tuple[str, str, str, str], ...]


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
        database.check_version(engine)
        return cls(engine)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    # --- notes -------------------------------------------------------------------------------

    def note(self, key: str) -> str | None:
        """A value noted under a name, or None."""
        with self._reading() as connection:
            found = connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar()
            return None if found is None else str(found)

    def set_notes(self, notes: Mapping[str, str]) -> None:
        """Note values under names."""
        with self._writing() as connection:
            rows = [{"key": key, "value": value} for key, value in notes.items()]
            connection.execute(self._upsert(meta, ["key"], ["value"]), rows)

    # --- input -------------------------------------------------------------------------------

    def write_entries(self, plan: int, batch: Sequence[Entry]) -> None:
        """Add entries of a reading of the sources; structures that are known stay as they are."""
        sound = {entry.key: entry for entry in batch if entry.reason is None}
        with self._writing() as connection:
            if sound:
                connection.execute(
                    self._insert(structures).on_conflict_do_nothing(index_elements=["key"]),
                    [_structure_row(entry) for entry in sound.values()],
                )
            found = connection.execute(
                select(structures.c.key, structures.c.id).where(structures.c.key.in_(sound))
            )
            ids = {str(key): int(number) for key, number in found.all()}
            connection.execute(insert(entries), [_entry_row(e, plan, ids) for e in batch])

    def forget_plans(self, keep: int) -> None:
        """Drop entries of all readings but one."""
        with self._writing() as connection:
            connection.execute(delete(entries).where(entries.c.plan != keep))

    def count_entries(self, plan: int) -> dict[str, int]:
        """Entries, distinct structures and rejections of a plan, and the estimated time."""
        of_plan = (
            select(entries.c.structure_id)
            .where(entries.c.plan == plan, entries.c.structure_id.is_not(None))
            .distinct()
        )
        with self._reading() as connection:
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
            with self._reading() as connection:
                page = _pending_page(connection, plan, asked, scopes, after)
            if not page:
                return
            after = (page[-1].cost_s, page[-1].id)
            yield page

    def count_pending(self, plan: int, asked: str) -> tuple[int, float]:
        """How many structures of a plan are not done, and their estimated time, s."""
        open_ones = select(structures.c.cost_s).where(_is_open(plan, asked)).subquery()
        with self._reading() as connection:
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
                ``structures`` to set (``asked``, ``cations``, ``anions``, ``leading_flags``).
        """
        with self._writing() as connection:
            rows = [
                self._task_row(connection, number, record)
                for number, records, _ in batch
                for record in records
            ]
            if rows:
                connection.execute(self._upsert_tasks(), rows)
            for number, _, facts in batch:
                connection.execute(
                    update(structures).where(structures.c.id == number).values(**facts)
                )

    def settle(self, numbers: Sequence[int], asked: str) -> None:
        """Note that structures are done without anything new to compute."""
        with self._writing() as connection:
            connection.execute(
                update(structures).where(structures.c.id.in_(numbers)).values(asked=asked)
            )

    def reopen(self, status: str) -> int:
        """Forget tasks of a status, so that they are run again; how many they were."""
        numbers = select(tasks.c.structure_id).where(tasks.c.status == status)
        with self._writing() as connection:
            connection.execute(
                update(structures).where(structures.c.id.in_(numbers)).values(asked=None)
            )
            gone = connection.execute(delete(tasks).where(tasks.c.status == status))
        return int(gone.rowcount)

    def rows(
        self, plan: int, scopes: Sequence[str]
    ) -> Iterator[tuple[Entry, int | None, list[TaskRecord]]]:
        """Entries of a plan in their order, with the leading flags and the tasks of each."""
        after = -1
        while True:
            with self._reading() as connection:
                page, found = self._rows_page(connection, plan, scopes, after)
            if not page:
                return
            for entry, number, leading in page:
                yield entry, leading, found.get(number, []) if number is not None else []
            after = page[-1][0].position

    def counts(self, plan: int, scopes: Sequence[str]) -> list[tuple[str, str, int]]:
        """Tasks of a plan by status and reason."""
        of_plan = select(entries.c.structure_id).where(entries.c.plan == plan)
        statement = (
            select(tasks.c.status, tasks.c.reason, func.count())
            .where(tasks.c.scope.in_(scopes), tasks.c.structure_id.in_(of_plan))
            .group_by(tasks.c.status, tasks.c.reason)
        )
        with self._reading() as connection:
            return [(str(s), str(r or ""), int(n)) for s, r, n in connection.execute(statement)]

    # --- shards ------------------------------------------------------------------------------

    def copy_structures(self, numbers: Sequence[int], into: Store, plan: int, start: int) -> None:
        """Copy structures and their tasks into another store, as entries from a position on."""
        with self._reading() as connection:
            chosen = connection.execute(
                select(structures).where(structures.c.id.in_(numbers))
            ).mappings()
            found = [dict(row) for row in chosen]
            done = self._records(connection, numbers, None)
        keys = {row["id"]: row["key"] for row in found}
        for row in found:
            del row["id"]
        with into._writing() as connection:
            connection.execute(
                into._insert(structures).on_conflict_do_nothing(index_elements=["key"]), found
            )
            ids = into._ids_of(connection, keys.values())
            connection.execute(
                insert(entries),
                [
                    {
                        "plan": plan,
                        "position": start + i,
                        "source": "store",
                        "source_id": key,
                        "metadata": "{}",
                        "structure_id": ids[key],
                    }
                    for i, key in enumerate(keys.values())
                ],
            )
        into._write_records({ids[keys[n]]: records for n, records in done.items()})

    def merge(self, other: Store) -> int:
        """Take over all tasks and facts of another store, by key; how many structures."""
        merged = 0
        last = 0
        while True:
            with other._reading() as connection:
                page = connection.execute(
                    select(
                        *(structures.c[name] for name in ("id", "key", "asked")),
                        *(structures.c[name] for name in ("cations", "anions", "leading_flags")),
                    )
                    .where(structures.c.id > last, structures.c.asked.is_not(None))
                    .order_by(structures.c.id)
                    .limit(PAGE)
                ).all()
                done = other._records(connection, [row.id for row in page], None)
            if not page:
                return merged
            with self._reading() as connection:
                ids = self._ids_of(connection, [row.key for row in page])
            self.write_outcomes(
                [
                    (
                        ids[row.key],
                        done.get(row.id, []),
                        {
                            "asked": row.asked,
                            "cations": row.cations,
                            "anions": row.anions,
                            "leading_flags": row.leading_flags,
                        },
                    )
                    for row in page
                    if row.key in ids
                ]
            )
            merged += len(page)
            last = page[-1].id

    # --- within ------------------------------------------------------------------------------

    def _reading(self) -> Any:
        return _Session(self.engine, self.engine.connect())

    def _writing(self) -> Any:
        return _Session(self.engine, self.engine.begin())

    def _insert(self, table: Any) -> Any:
        dialect = sqlite if self.engine.dialect.name == "sqlite" else postgresql
        return dialect.insert(table)

    def _upsert(self, table: Any, by: list[str], change: list[str]) -> Any:
        statement = self._insert(table)
        return statement.on_conflict_do_update(
            index_elements=by, set_={name: statement.excluded[name] for name in change}
        )

    def _upsert_tasks(self) -> Any:
        return self._upsert(tasks, ["key"], [c.name for c in tasks.columns if c.name != "key"])

    def _write_records(self, records: Mapping[int, Sequence[TaskRecord]]) -> None:
        with self._writing() as connection:
            rows = [
                self._task_row(connection, number, record)
                for number, found in records.items()
                for record in found
            ]
            if rows:
                connection.execute(self._upsert_tasks(), rows)

    @staticmethod
    def _ids_of(connection: Connection, keys: Iterable[str]) -> dict[str, int]:
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
            "row": json.dumps([row.get(key) for key in ROW_COLUMNS], separators=(",", ":")),
            "traceback": record.traceback or None,
        }

    def _own_layout(self, connection: Connection) -> int:
        """Number of the present columns' layout, noted once."""
        if self._layout is None:
            text = json.dumps(ROW_COLUMNS)
            connection.execute(
                self._insert(layouts).on_conflict_do_nothing(index_elements=["columns"]),
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
    ) -> tuple[list[tuple[Entry, int | None, int | None]], dict[int, list[TaskRecord]]]:
        statement = (
            select(entries, structures.c.leading_flags)
            .outerjoin(structures, entries.c.structure_id == structures.c.id)
            .where(entries.c.plan == plan, entries.c.position > after)
            .order_by(entries.c.position)
            .limit(PAGE)
        )
        page = [
            (_entry_of(row), row.structure_id, row.leading_flags)
            for row in connection.execute(statement)
        ]
        numbers = sorted({number for _, number, _ in page if number is not None})
        return page, self._records(connection, numbers, scopes)

    def _records(
        self, connection: Connection, numbers: Sequence[int], scopes: Sequence[str] | None
    ) -> dict[int, list[TaskRecord]]:
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


class _Session:
    """A connection whose errors, also those on entering and leaving, are one sentence."""

    def __init__(self, engine: Engine, inner: Any) -> None:
        self._engine, self._inner = engine, inner

    def __enter__(self) -> Connection:
        with database.explained(self._engine):
            connection: Connection = self._inner.__enter__()
            return connection

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        with database.explained(self._engine):
            self._inner.__exit__(kind, error, trace)
            if error is not None and kind.__module__.startswith("sqlalchemy"):
                raise error


def _structure_row(entry: Entry) -> dict[str, Any]:
    packed = zlib.compress(entry.text.encode("utf-8", "surrogatepass"))
    return {"key": entry.key, "format": entry.format, "text": packed, "cost_s": entry.cost_s}


def _entry_row(entry: Entry, plan: int, ids: Mapping[str, int]) -> dict[str, Any]:
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


def _entry_of(row: Any) -> Entry:
    return Entry(
        position=row.position,
        source=row.source,
        source_id=row.source_id,
        metadata=json.loads(row.metadata),
        reason=row.reason,
        message=row.message,
    )


def _is_open(plan: int, asked: str) -> Any:
    of_plan = select(entries.c.structure_id).where(
        entries.c.plan == plan, entries.c.structure_id == structures.c.id
    )
    return and_(or_(structures.c.asked.is_(None), structures.c.asked != asked), of_plan.exists())


def _pending_page(
    connection: Connection,
    plan: int,
    asked: str,
    scopes: Sequence[str],
    after: tuple[float, int] | None,
) -> list[Pending]:
    statement = (
        select(structures)
        .where(_is_open(plan, asked))
        .order_by(structures.c.cost_s.desc(), structures.c.id.desc())
        .limit(PAGE)
    )
    if after is not None:
        place = tuple_(structures.c.cost_s, structures.c.id)
        statement = statement.where(place < tuple_(*after))
    found = connection.execute(statement).all()
    numbers = [row.id for row in found]
    first = _first_entries(connection, plan, numbers)
    done = _done(connection, numbers, scopes)
    return [_pending(row, first[row.id], done.get(row.id, ())) for row in found]


def _first_entries(connection: Connection, plan: int, numbers: Sequence[int]) -> dict[int, Any]:
    statement = (
        select(
            *(entries.c[name] for name in ("structure_id", "source", "source_id", "metadata")),
        )
        .where(entries.c.plan == plan, entries.c.structure_id.in_(numbers))
        .order_by(entries.c.position.desc())
    )
    return {row.structure_id: row for row in connection.execute(statement)}  # the first one wins


def _done(
    connection: Connection, numbers: Sequence[int], scopes: Sequence[str]
) -> dict[int, tuple[tuple[str, str, str, str], ...]]:
    statement = (
        select(
            *(tasks.c[name] for name in ("structure_id", "scope", "cation", "anion", "status")),
        )
        .where(tasks.c.structure_id.in_(numbers), tasks.c.scope.in_(scopes))
        .order_by(tasks.c.structure_id)
    )
    by_structure = itertools.groupby(connection.execute(statement), key=lambda row: row[0])
    return {number: tuple(tuple(row)[1:] for row in rows) for number, rows in by_structure}


def _pending(row: Any, first: Any, done: tuple[tuple[str, str, str, str], ...]) -> Pending:
    return Pending(
        id=row.id,
        key=row.key,
        format=row.format,
        text=zlib.decompress(row.text).decode("utf-8", "surrogatepass"),
        cost_s=row.cost_s,
        source=first.source,
        source_id=first.source_id,
        metadata=json.loads(first.metadata),
        cations=_symbols(row.cations),
        anions=_symbols(row.anions),
        done=done,
    )


def _symbols(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(text.split())
