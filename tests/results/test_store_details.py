"""The store to its ends: pages, scopes, notes, places, readers where nobody may write."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text as sql
from sqlalchemy.engine import URL

from dualion.results.store import (
    Entry,
    Store,
    StoreError,
    TaskRecord,
    copy_structures,
    database,
    merge,
    queries,
    snapshot,
)
from dualion.results.store.database import EmptyStoreError, describe, open_engine, sqlite_url
from dualion.results.store.migrations import version_of
from dualion.results.store.snapshot import open_for_reading
from dualion.results.store.store import ROW_COLUMNS
from dualion.structures.errors import MissingDependencyError


def entry(position: int, **changes: object) -> Entry:
    base = {
        "position": position, "source": "file", "source_id": f"s{position}", "metadata": {},
        "key": f"k{position}", "format": "cif", "text": "text", "cost_s": 1.0,
    }  # fmt: skip
    return Entry(**(base | changes))


def lost(position: int) -> Entry:
    return entry(position, key="", text="", reason="unreadable", message="cut off")


def task(key: str, scope: str = "a", status: str = "ok", **row: object) -> TaskRecord:
    cells = {"formula": "LiI", "status": status, "reason": None, "seconds": 0.5, "key": key}
    return TaskRecord(
        key=key, scope=scope, cation="Li", anion="I", stage="done", row=cells | row, traceback=""
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "campaign.db")[0]


def numbers(store: Store, plan: int = 1, asked: str = "x") -> dict[str, int]:
    return {p.key: p.id for page in store.pending(plan, asked, ("a",)) for p in page}


def test_notes_are_kept_under_their_names(store: Store) -> None:
    assert store.note("wanted") is None
    store.set_notes({"wanted": "1", "other": "2"})
    store.set_notes({"wanted": "3"})
    assert (store.note("wanted"), store.note("other")) == ("3", "2")


def test_rejected_entries_are_counted_and_come_back_in_their_place(store: Store) -> None:
    store.write_entries(1, [lost(0), entry(1), entry(2, key="k1"), lost(3)])
    store.write_entries(2, [lost(0)])
    assert store.count_entries(1) == {"entries": 4, "rejected": 2, "structures": 1}
    assert store.count_entries(2) == {"entries": 1, "rejected": 1, "structures": 0}
    assert store.count_entries(3) == {"entries": 0, "rejected": 0, "structures": 0}
    (number,) = numbers(store).values()
    store.write_outcomes([(number, [task("t")], {"asked": "x"})])
    found = list(store.rows(1, ("a",)))
    assert [one.position for one, _ in found] == [0, 1, 2, 3]
    assert [len(records) for _, records in found] == [0, 1, 1, 0]
    assert (found[0][0].reason, found[0][0].message) == ("unreadable", "cut off")
    assert found[1][0].reason is None


def test_rows_come_page_by_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from dualion.results.store import shards
    from dualion.results.store import store as store_module

    for module in (store_module, queries, shards):
        monkeypatch.setattr(module, "PAGE", 2)
    store.write_entries(1, [entry(n, cost_s=1.0) for n in range(5)])
    assert [one.position for one, _ in store.rows(1, ("a",))] == [0, 1, 2, 3, 4]
    assert [len(page) for page in store.pending(1, "x", ("a",))] == [2, 2, 1]
    other, _ = Store.open(Path(str(store.engine.url.database)).with_name("other.db"))
    copy_structures(store, list(numbers(store).values()), other, plan=1, start=10)
    assert [one.position for one, _ in other.rows(1, ("a",))] == [10, 11, 12, 13, 14]
    assert {one.source for one, _ in other.rows(1, ("a",))} == {"store"}
    ids = numbers(other)
    other.write_outcomes(
        [(ids[f"k{n}"], [task(f"t{n}")], {"asked": "x", "cations": "Li", "anions": "I"})
         for n in (0, 1, 2, 4)]
    )  # fmt: skip
    assert merge(store, other) == 4
    assert list(numbers(store)) == ["k3"]


def test_tasks_of_other_scopes_do_not_count(store: Store) -> None:
    store.write_entries(1, [entry(0), entry(1)])
    ids = numbers(store)
    store.write_records({ids["k0"]: [task("t", scope="b"), task("u", scope="a", status="failed",
                                                                reason="time_limit")]})  # fmt: skip
    store.write_records({})
    assert store.counts(1, ("a",)) == [("failed", "time_limit", 1)]
    assert sorted(store.counts(1, ("a", "b"))) == [("failed", "time_limit", 1), ("ok", "", 1)]
    assert store.counts(2, ("a", "b")) == []
    assert [r.key for r in store.records_of([ids["k0"]], ("b",))[ids["k0"]]] == ["t"]
    assert store.records_of([ids["k1"]], ("a", "b")) == {}
    (first, _) = next(store.pending(1, "x", ("a",)))[::-1]
    assert first.done == (("a", "Li", "I", "failed"),)
    assert first.cations is None


def test_settled_structures_wait_for_another_question(store: Store) -> None:
    store.write_entries(1, [entry(0, cost_s=2.0), entry(1, cost_s=3.0)])
    ids = numbers(store)
    store.settle([ids["k0"]], "x")
    assert list(numbers(store, asked="x")) == ["k1"]
    assert store.count_pending(1, "x") == (1, 3.0)
    assert store.count_pending(1, "y") == (2, 5.0)
    assert store.count_pending(9, "x") == (0, 0.0)
    facts = {"asked": "x", "cations": "Li Na", "anions": ""}
    store.write_outcomes([(ids["k1"], [], facts)])
    assert numbers(store, asked="x") == {}
    again = {p.key: p for page in store.pending(1, "y", ("a",)) for p in page}
    assert (again["k1"].cations, again["k1"].anions) == (("Li", "Na"), ())


def test_opening_failures_again_leaves_the_others(store: Store) -> None:
    store.write_entries(1, [entry(n) for n in range(3)])
    ids = numbers(store)
    for n, status in enumerate(("failed", "ok", "failed")):
        store.write_outcomes([(ids[f"k{n}"], [task(f"t{n}", status=status)], {"asked": "x"})])
    assert store.reopen("failed") == 2
    assert sorted(numbers(store)) == ["k0", "k2"]
    assert store.counts(1, ("a",)) == [("ok", "", 1)]


def test_the_cells_of_a_row_are_noted_once_and_what_has_a_column_is_not_among_them(
    store: Store,
) -> None:
    store.write_entries(1, [entry(0)])
    (number,) = numbers(store).values()
    store.write_outcomes([(number, [task("t"), task("u")], {"asked": "x"})])
    assert not {"status", "reason", "seconds", "key", "source", "source_id"} & set(ROW_COLUMNS)
    with store.reading() as connection:
        assert connection.execute(sql("SELECT count(*) FROM layouts")).scalar() == 1
        row = connection.execute(sql("SELECT row FROM tasks WHERE key = 't'")).scalar()
    assert " " not in row.replace("LiI", "")
    assert json.loads(row)[ROW_COLUMNS.index("formula")] == "LiI"


def test_urls_are_told_from_files() -> None:
    plain = sqlite_url(Path("a.db"))
    assert (plain.database, dict(plain.query)) == ("a.db", {})
    reader = sqlite_url(Path("/x/ü b?.db"), read_only=True)
    assert reader.database == "file:/x/%C3%BC%20b%3F.db"
    assert dict(reader.query) == {"mode": "ro", "uri": "true"}
    still = sqlite_url(Path("/x/a.db"), read_only=True, immutable=True)
    assert dict(still.query) == {"mode": "ro", "uri": "true", "immutable": "1"}
    assert describe(open_engine(reader)) == "/x/ü b?.db"
    assert describe(open_engine(plain)) == "a.db"


def test_the_journal_follows_the_disk_and_a_writer_waits(tmp_path: Path) -> None:
    for shared, journal in ((False, "wal"), (True, "delete")):
        store, _ = Store.open(tmp_path / f"{journal}.db", shared_disk=shared)
        with store.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == journal
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() >= 10_000
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1  # normal
        store.close()


def test_a_transaction_is_kept_whole_or_not_at_all(store: Store) -> None:
    def note_and_break() -> None:
        with store.writing() as connection:
            connection.execute(sql("INSERT INTO meta (key, value) VALUES ('a', 'b')"))
            connection.execute(sql("CREATE TABLE extra (x INTEGER)"))
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        note_and_break()
    assert store.note("a") is None
    with store.reading() as connection:
        assert not connection.dialect.has_table(connection, "extra")
        assert version_of(connection) is not None


def test_an_error_within_a_transaction_is_one_sentence(store: Store) -> None:
    said = r"The store .*campaign.db cannot be used: no such table"
    with pytest.raises(StoreError, match=said), store.reading() as connection:
        connection.execute(sql("SELECT * FROM gone"))


@pytest.mark.parametrize(
    ("cause", "advice"),
    [
        ("database or disk is full", "Free some space"),
        ("attempt to write a readonly database", "cannot be written to"),
        ("unable to open database file", "Check that its folder exists"),
        ("file is not a database", "move it away"),
        ("database disk image is malformed", "restore a copy"),
        ("disk I/O error", "its quota"),
        ("database is locked", "Another process writes to it"),
        ("connection refused", "Check that the server runs"),
        ("password authentication failed", "Check the user"),
        ("something else\nwith a second line", "cannot be used: something else."),
    ],
)
def test_each_trouble_has_its_advice(tmp_path: Path, cause: str, advice: str) -> None:
    from sqlalchemy.exc import OperationalError

    engine = open_engine(sqlite_url(tmp_path / "a.db"))
    with pytest.raises(StoreError) as caught, database.explained(engine):
        raise OperationalError("statement", {}, sqlite3.OperationalError(cause))
    assert advice in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_without_a_store_is_told_and_a_lock_is_granted(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE meta (key TEXT, value TEXT)")
        connection.commit()
    with pytest.raises(EmptyStoreError, match="holds no store yet; dualion run makes one"):
        Store.read_only(path)
    engine = open_engine(sqlite_url(path))
    with database.writer_lock(engine) as granted:
        assert granted is True


@pytest.mark.parametrize(("found", "said"), [(3, "has version 3, this program"), (99, "newer")])
def test_a_reader_of_another_version_is_refused(tmp_path: Path, found: int, said: str) -> None:
    path = tmp_path / "campaign.db"
    store, _ = Store.open(path)
    store.set_notes({"version": str(found)})
    store.close()
    with pytest.raises(StoreError, match=said):
        Store.read_only(path)
    assert Store.read_only(_restored(path)).note("version") == str(database.schema.VERSION)


def _restored(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        version = str(database.schema.VERSION)
        connection.execute("UPDATE meta SET value = ? WHERE key = 'version'", (version,))
        connection.commit()
    return path


def test_a_store_that_cannot_be_opened_where_it_lies_is_read_from_a_copy(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy takes the log along: what was committed last is there."""
    path = tmp_path / "campaign.db"
    store.set_notes({"last": "yes"})
    plain = Store.read_only
    opened: list[object] = []

    def only_elsewhere(location: object) -> Store:
        opened.append(location)
        if location == path:
            raise StoreError("the folder refuses")
        return plain(location)  # type: ignore[arg-type]

    monkeypatch.setattr(snapshot.Store, "read_only", only_elsewhere)
    with open_for_reading(path) as reader:
        assert reader.note("last") == "yes"
    copy = Path(str(opened[1]))
    assert copy.name == "campaign.db" and not copy.exists()


def test_a_store_that_no_copy_helps_is_told_by_its_own_name(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(location: object) -> Store:
        raise StoreError(f"{location} refuses")

    monkeypatch.setattr(snapshot.Store, "read_only", refuse)
    for location in (tmp_path / "campaign.db", "postgresql://nobody@host/x"):
        with pytest.raises(StoreError) as caught, open_for_reading(location):
            pass
        assert str(caught.value) == f"{location} refuses"


def test_a_readable_store_is_opened_where_it_lies(store: Store, tmp_path: Path) -> None:
    store.set_notes({"a": "b"})
    with open_for_reading(tmp_path / "campaign.db") as reader:
        assert reader.note("a") == "b"
        assert str(tmp_path) in describe(reader.engine)


def test_a_url_of_a_database_and_a_missing_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_engine("sqlite://").url, URL)
    asked: list[URL] = []

    def missing(url: URL) -> None:
        asked.append(url)
        raise ModuleNotFoundError("psycopg")

    monkeypatch.setattr(database, "create_engine", missing)
    with pytest.raises(MissingDependencyError, match=r"dualion\[postgres\]"):
        open_engine("postgresql://user@host/name")
    assert asked[0].drivername == "postgresql+psycopg"
