"""Opening the database: SQLite by default, PostgreSQL by URL; locks; errors in one sentence."""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from dualion.results.store import migrations, schema
from dualion.structures.errors import InputError, MissingDependencyError

BUSY_S = 30.0
"""How long a writer waits for a reader to let go, s."""


class StoreError(InputError):
    """The store cannot be opened, read or written; the message says what to do."""


class EmptyStoreError(StoreError):
    """The database is there, but no store has been made in it."""


def sqlite_url(path: Path, *, read_only: bool = False, immutable: bool = False) -> URL:
    """Return the URL of a SQLite file.

    Args:
        path: the file; characters that mean something in a URI are escaped.
        read_only: let the connection write nothing.
        immutable: take it as it lies there, without its journal: SQLite needs to write beside a
            database with write-ahead logging even to read it.
    """
    if not read_only:
        return URL.create("sqlite", database=str(path))
    query = {"mode": "ro", "uri": "true"} | ({"immutable": "1"} if immutable else {})
    quoted = urllib.parse.quote(os.fsencode(path.absolute()))
    return URL.create("sqlite", database=f"file:{quoted}", query=query)


def open_engine(url: str | URL, *, journal: str = "WAL") -> Engine:
    """An engine for SQLite or PostgreSQL.

    Args:
        url: where the database is.
        journal: SQLite's journal mode. Write-ahead logging lets readers go on beside the writer,
            but only within one machine.

    Raises:
        StoreError: the URL is no such thing.
        MissingDependencyError: the driver of PostgreSQL is not installed.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            "The store is no database URL; write postgresql://user@host/name, or leave it out."
        ) from error
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    elif parsed.get_backend_name() != "sqlite":
        raise StoreError(
            f"A store in {parsed.get_backend_name()} is not supported; use SQLite or PostgreSQL."
        )
    try:
        engine = create_engine(parsed)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise MissingDependencyError(
            "PostgreSQL needs the package psycopg; install it with: pip install 'dualion[postgres]'"
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", functools.partial(_set_up_sqlite, journal))
        event.listen(engine, "begin", _begin)
    return engine


def _set_up_sqlite(journal: str, connection: Any, _: object) -> None:
    """Keep a journal, so that a killed process leaves a sound file."""
    connection.isolation_level = None  # transactions begin below, also for changes of tables
    connection.execute(f"PRAGMA busy_timeout={int(1000 * BUSY_S)}")
    with contextlib.suppress(sqlite3.OperationalError):  # a file that may only be read
        connection.execute(f"PRAGMA journal_mode={journal}")
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin(connection: Connection) -> None:
    """Begin a transaction that holds changes of tables too, which Python's driver would not."""
    connection.exec_driver_sql("BEGIN")


def open_schema(engine: Engine) -> tuple[int, int]:
    """Make the tables, or upgrade them to the present version.

    Returns:
        The version that was found (0 for a new store) and the present one.

    Raises:
        StoreError: the store is newer than this program, or is none.
    """
    with explained(engine), engine.begin() as connection:
        found = migrations.version_of(connection)
        if found is None:
            migrations.create(connection)
        elif found > schema.VERSION:
            raise StoreError(_newer(engine, found))
        elif found < schema.VERSION:
            migrations.upgrade(connection, found)
    return found or 0, schema.VERSION


def check_version(engine: Engine) -> None:
    """Refuse to read a store of another version, or none.

    Raises:
        EmptyStoreError: there is no store in it yet.
        StoreError: the version differs.
    """
    with explained(engine), engine.connect() as connection:
        found = migrations.version_of(connection)
    if found is None:
        raise EmptyStoreError(f"{describe(engine)} holds no store yet; dualion run makes one.")
    if found > schema.VERSION:
        raise StoreError(_newer(engine, found))
    if found != schema.VERSION:
        raise StoreError(
            f"The store {describe(engine)} has version {found}, this program "
            f"{schema.VERSION}; dualion run brings an older one up to date."
        )


def _newer(engine: Engine, found: int) -> str:
    return (
        f"The store {describe(engine)} has version {found}, newer than this program's "
        f"{schema.VERSION}; update dualion."
    )


def describe(engine: Engine) -> str:
    """Name the place of the store, without a password."""
    if engine.dialect.name == "sqlite":
        database = str(engine.url.database)
        if not database.startswith("file:"):
            return database
        return urllib.parse.unquote(database.removeprefix("file:"), errors="surrogateescape")
    return engine.url.render_as_string(hide_password=True)


@contextlib.contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Turn the database's errors into one sentence.

    Raises:
        StoreError: in place of what the database raised.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError(_sentence(engine, error)) from error


def _sentence(engine: Engine, error: SQLAlchemyError) -> str:
    cause = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
    where = describe(engine)
    for mark, advice in _ADVICE.items():
        if mark in cause.lower():
            return f"The store {where}: {cause}. {advice}"
    return f"The store {where} cannot be used: {cause}."


_ADVICE = {
    "full": "Free some space and start again; what was done until then is kept.",
    "readonly": "Its folder cannot be written to; change that or copy the campaign elsewhere.",
    "read-only": "Its folder cannot be written to; change that or copy the campaign elsewhere.",
    "unable to open": "Check that its folder exists and can be written to.",
    "not a database": "The file is something else; move it away.",
    "malformed": "The file is damaged; restore a copy, or move it away and start again.",
    "disk i/o": "The disk refuses; check it and its quota. What was done until then is kept.",
    "locked": "Another process writes to it; wait for it to end.",
    "connection": "Check that the server runs and the URL is right.",
    "authentication": "Check the user and the password of the URL.",
}


@contextlib.contextmanager
def writer_lock(engine: Engine) -> Iterator[bool]:
    """Hold the right to write a PostgreSQL store; False where another process has it.

    SQLite stores are guarded by a lock in the campaign's folder.
    """
    if engine.dialect.name != "postgresql":
        yield True
        return
    with explained(engine), engine.connect() as connection:
        yield _advisory_lock(connection)


def _advisory_lock(connection: Connection) -> bool:
    """Take PostgreSQL's lock, which ends with the connection, however that happens."""
    statement = text("SELECT pg_try_advisory_lock(hashtext('dualion campaign'))")
    granted = bool(connection.execute(statement).scalar())
    connection.commit()
    return granted


class Session:
    """A connection whose errors, also those on entering and leaving, are one sentence."""

    def __init__(self, engine: Engine, inner: Any) -> None:
        self._engine, self._inner = engine, inner

    def __enter__(self) -> Connection:
        with explained(self._engine):
            connection: Connection = self._inner.__enter__()
            return connection

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        with explained(self._engine):
            self._inner.__exit__(kind, error, trace)
            if error is not None and kind.__module__.startswith("sqlalchemy"):
                raise error
