"""The store: what goes in comes out, in SQLite; versions, damage, merging."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_mock_engine
from sqlalchemy import text as sql
from sqlalchemy.dialects import postgresql, sqlite

from dualion.results.columns import Row
from dualion.results.store import (
    Entry,
    Store,
    StoreError,
    TaskRecord,
    copy_structures,
    merge,
    migrations,
)
from dualion.results.store.schema import VERSION, tasks

SCOPES = ("", "conventions")


def entry(position: int, key: str = "", cost_s: float = 1.0) -> Entry:
    return Entry(
        position=position,
        source="file",
        source_id=f"s{position}",
        metadata={"band_gap_ev": 1.5},
        key=key or f"k{position}",
        format="cif",
        text=f"structure {key or position} ü",
        cost_s=cost_s,
    )


def task(key: str, scope: str = "conventions", anion: str = "I") -> TaskRecord:
    row: Row = {
        "formula": "LiI",
        "n_sites": 2,
        "cation": "Li+",
        "anion": "I-",
        "status": "ok",
        "reason": None,
        "e1d_cation_ev": 0.1 + 0.2,
        "e3d_anion_ev": math.inf,
        "dai": True,
        "seconds": 0.25,
        "key": key,
    }
    return TaskRecord(
        key=key, scope=scope, cation="Li", anion=anion, stage="done", row=row, traceback="where"
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened, found = Store.open(tmp_path / "campaign.db")
    assert found == 0
    return opened


def pending(store: Store, asked: str = "a") -> list[str]:
    return [p.key for page in store.pending(1, asked, SCOPES) for p in page]


def test_costly_structures_come_first_and_page_by_page(store: Store) -> None:
    store.write_entries(1, [entry(i, cost_s=float(i % 7)) for i in range(2500)])
    order = [p for page in store.pending(1, "a", SCOPES) for p in page]
    assert len({p.id for p in order}) == 2500
    costs = [p.cost_s for p in order]
    assert costs == sorted(costs, reverse=True)
    assert order[0].text == f"structure {order[0].source_id[1:]} ü"
    assert order[0].metadata == {"band_gap_ev": 1.5}
    assert store.count_pending(1, "a") == (2500, sum(costs))


def test_rows_come_back_as_they_went_in(store: Store) -> None:
    store.write_entries(1, [entry(0)])
    (first,) = next(store.pending(1, "a", SCOPES))
    facts = {"asked": "a", "cations": "Li", "anions": "I"}
    store.write_outcomes([(first.id, [task("t")], facts)])
    assert pending(store) == []
    ((found, records),) = store.rows(1, SCOPES)
    assert found.source_id == "s0"
    (record,) = records
    assert record.traceback == "where"
    expected = task("t").row
    assert {key: record.row[key] for key in expected} == expected


def test_writing_a_task_again_replaces_it(store: Store) -> None:
    store.write_entries(1, [entry(0)])
    (first,) = next(store.pending(1, "a", SCOPES))
    for _ in range(2):
        store.write_outcomes([(first.id, [task("t")], {"asked": "a"})])
    assert store.counts(1, SCOPES) == [("ok", "", 1)]


def test_equal_structures_are_kept_once(store: Store) -> None:
    store.write_entries(1, [entry(0, "same"), entry(1, "same")])
    store.write_entries(1, [entry(2, "same"), entry(3)])
    counts = store.count_entries(1)
    assert (counts["entries"], counts["structures"]) == (4, 2)
    assert sorted(pending(store)) == ["k3", "same"]


def test_only_structures_of_the_plan_are_pending(store: Store) -> None:
    store.write_entries(1, [entry(0), entry(1)])
    store.write_entries(2, [entry(0, "k1")])
    assert [p.key for page in store.pending(2, "a", SCOPES) for p in page] == ["k1"]
    store.forget_plans(2)
    assert pending(store) == []


def test_shards_are_merged_by_key_as_often_as_one_likes(store: Store, tmp_path: Path) -> None:
    store.write_entries(1, [entry(i) for i in range(4)])
    numbers = {p.key: p.id for page in store.pending(1, "a", SCOPES) for p in page}
    shard, _ = Store.open(tmp_path / "shard.db", shared_disk=True)
    copy_structures(store, [numbers["k1"], numbers["k3"]], shard, plan=1, start=0)
    for structure in next(shard.pending(1, "a", SCOPES)):
        record = task(f"task-{structure.key}")
        shard.write_outcomes([(structure.id, [record], {"asked": "a", "cations": "Li"})])
    for _ in range(2):
        assert merge(store, shard) == 2
    assert sorted(pending(store)) == ["k0", "k2"]
    assert store.counts(1, SCOPES) == [("ok", "", 2)]


def test_failed_tasks_can_be_opened_again(store: Store) -> None:
    store.write_entries(1, [entry(0), entry(1)])
    for structure in next(store.pending(1, "a", SCOPES)):
        record = task(f"t{structure.id}")
        record.row["status"] = "failed" if structure.key == "k0" else "ok"
        store.write_outcomes([(structure.id, [record], {"asked": "a"})])
    assert store.reopen("failed") == 1
    assert pending(store) == ["k0"]


def make_version_1(path: Path) -> None:
    """A store as version 1 left it: no tracebacks, no MD."""
    store, _ = Store.open(path)
    store.write_entries(1, [entry(0)])
    (first,) = next(store.pending(1, "a", SCOPES))
    store.write_outcomes([(first.id, [task("t")], {"asked": "a", "cations": "Li"})])
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE tasks DROP COLUMN traceback")
        connection.execute("DROP TABLE md_runs")
        connection.execute("DROP TABLE neb_pairs")
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'version'")
    connection.close()


def test_an_older_store_is_brought_up_to_date_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "campaign.db"
    make_version_1(path)
    with pytest.raises(StoreError, match=rf"version 1, this program {VERSION}; dualion run brings"):
        Store.read_only(path)
    store, found = Store.open(path)
    assert found == 1
    ((_, records),) = store.rows(1, SCOPES)
    assert records[0].traceback == ""
    assert records[0].row["formula"] == "LiI"
    store.close()
    assert Store.open(path)[1] == VERSION


def test_a_newer_store_is_refused(store: Store, tmp_path: Path) -> None:
    store.set_notes({"version": str(VERSION + 1)})
    with pytest.raises(StoreError, match=r"newer than this program.*update dualion"):
        Store.open(tmp_path / "campaign.db")
    with pytest.raises(StoreError, match=r"newer than this program.*update dualion"):
        Store.read_only(tmp_path / "campaign.db")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"not a database, but long enough to look like one" * 50, "move it away")],
)
def test_a_damaged_store_gives_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "campaign.db").write_bytes(content)
    with pytest.raises(StoreError, match=said) as caught:
        Store.open(tmp_path / "campaign.db")
    assert "\n" not in str(caught.value)


def test_a_url_that_is_none_and_a_database_that_is_unknown_are_refused() -> None:
    with pytest.raises(StoreError, match="no database URL"):
        Store.open("nonsense")
    with pytest.raises(StoreError, match="mysql is not supported"):
        Store.open("mysql://user@host/name")


def test_a_server_that_does_not_answer_gives_one_sentence() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match="Check that the server runs") as caught:
        Store.open("postgresql://user:secret@127.0.0.1:1/name")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_reading_needs_no_right_to_write(store: Store, tmp_path: Path) -> None:
    store.write_entries(1, [entry(0)])
    reader = Store.read_only(tmp_path / "campaign.db")
    assert reader.count_entries(1)["entries"] == 1
    with pytest.raises(StoreError, match=r"read-?only"), reader.engine.begin() as connection:
        try:
            connection.execute(sql("DELETE FROM entries"))
        except Exception as error:
            raise StoreError(str(error)) from error


def test_an_upgrade_that_breaks_off_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "campaign.db"
    make_version_1(path)

    def broken(connection: Connection) -> None:
        connection.execute(sql("ALTER TABLE tasks ADD COLUMN traceback TEXT"))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(migrations.STEPS, 2, broken)
        with pytest.raises(KeyboardInterrupt):
            Store.open(path)
    store, found = Store.open(path)
    assert found == 1
    assert store.count_entries(1)["entries"] == 1


@pytest.mark.parametrize(
    ("address", "of_database"),
    [("sqlite://", sqlite.Insert), ("postgresql://", postgresql.Insert)],
)
def test_inserts_are_in_the_words_of_the_database(address: str, of_database: type) -> None:
    """Each has its own class of insert with ON CONFLICT, and compiles that of no other."""
    elsewhere = Store(create_mock_engine(address, lambda *_: None))  # type: ignore[arg-type]
    assert type(elsewhere.insert(tasks)) is of_database


def test_a_store_of_this_version_is_opened_without_an_upgrade(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade writes: it would take the lock from workers that write rows."""

    def refuse(*_: object) -> None:
        raise AssertionError("upgraded")

    monkeypatch.setattr(migrations, "upgrade", refuse)
    assert Store.open(tmp_path / "campaign.db")[1] == VERSION


def test_a_store_of_version_3_loses_the_column_that_nothing_reads(tmp_path: Path) -> None:
    """SQLite drops columns since 3.35, of 2021."""
    recorded = Path(__file__).parent / "store_version_3" / "store.sql"
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(recorded.read_text(encoding="utf-8"))
    _, found = Store.open(path)
    assert found == 3
    with closing(sqlite3.connect(path)) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(structures)")}
        (version,) = connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
    assert version == str(VERSION)
    assert ("leading_flags" in columns) is (sqlite3.sqlite_version_info < (3, 35))
