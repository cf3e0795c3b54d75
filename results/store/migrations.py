"""Bringing a store of an older version to the present one, step by step, in one transaction.

A step is written once and never changed: it names tables and columns as they were then.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from sqlalchemy import Connection, text

from dualion.results.store import schema


def _to_2(connection: Connection) -> None:
    """Add tracebacks of failures, and how many flags precede those of the verdict."""
    connection.execute(text("ALTER TABLE tasks ADD COLUMN traceback TEXT"))
    connection.execute(text("ALTER TABLE structures ADD COLUMN leading_flags INTEGER"))


def _to_3(connection: Connection) -> None:
    """Add molecular dynamics."""
    needed = (
        "structure_key", "source_id", "formula", "cation", "anion", "cell", "engine", "state",
        "reason", "message", "spec", "progress", "job", "scheduler", "place",
    )  # fmt: skip
    columns = [
        "key TEXT PRIMARY KEY",
        *(f"{name} TEXT NOT NULL" for name in needed),
        "temperature_k FLOAT NOT NULL",
        "replica INTEGER NOT NULL",
        "results TEXT",
    ]
    connection.execute(text(f"CREATE TABLE md_runs ({', '.join(columns)})"))
    connection.execute(text("CREATE INDEX ix_md_runs_structure ON md_runs (structure_key)"))


def _to_4(connection: Connection) -> None:
    """Drop the number of flags that precede those of the verdict: the vocabulary orders flags.

    SQLite drops columns since 3.35; in a store under an older one the column stays, unread.
    """
    if connection.dialect.name == "sqlite" and sqlite3.sqlite_version_info < (3, 35):
        return
    connection.execute(text("ALTER TABLE structures DROP COLUMN leading_flags"))


def _to_5(connection: Connection) -> None:
    """Add barriers with a potential."""
    key = ("structure_key", "cation", "anion")
    columns = [f"{name} TEXT NOT NULL" for name in (*key, "potential", "results")]
    columns.append(f"PRIMARY KEY ({', '.join(key)})")
    connection.execute(text(f"CREATE TABLE neb_pairs ({', '.join(columns)})"))


STEPS: dict[int, Callable[[Connection], None]] = {2: _to_2, 3: _to_3, 4: _to_4, 5: _to_5}
"""The step that leads to each version."""


def create(connection: Connection) -> None:
    """Make the tables of the present version."""
    schema.metadata.create_all(connection)
    _note_version(connection, schema.VERSION)


def version_of(connection: Connection) -> int | None:
    """Return the version of the store; None where there is none yet."""
    if not connection.dialect.has_table(connection, "meta"):
        return None
    found = connection.execute(text("SELECT value FROM meta WHERE key = 'version'")).scalar()
    return int(found) if found is not None else None


def upgrade(connection: Connection, version: int) -> None:
    """Take the steps from a version to the present one.

    Args:
        connection: an open transaction.
        version: version that was found.
    """
    for step in range(version + 1, schema.VERSION + 1):
        STEPS[step](connection)
    _note_version(connection, schema.VERSION)


def _note_version(connection: Connection, version: int) -> None:
    connection.execute(text("DELETE FROM meta WHERE key = 'version'"))
    connection.execute(
        text("INSERT INTO meta (key, value) VALUES ('version', :v)"), {"v": str(version)}
    )
