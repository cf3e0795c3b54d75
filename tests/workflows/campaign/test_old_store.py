"""A campaign's store of version 3 opens, loses what is no more needed, and gives the same tables.

``store_version_3`` was recorded with the program of that version: four bundled structures and a
file that is none, at a grid spacing of 0.35 Å, with the tables that it wrote.
"""

from __future__ import annotations

import csv
import io
import sqlite3
from pathlib import Path

import pytest

from dualion.results.columns import SCREENED
from dualion.results.store import Store, StoreError
from dualion.results.store.schema import VERSION
from dualion.results.tables import TableWriter
from dualion.workflows.campaign.export import entry_rows
from dualion.workflows.campaign.screening_options import screen_options

RECORDED = Path(__file__).resolve().parents[2] / "results" / "store_version_3"


@pytest.fixture
def old_store(tmp_path):
    path = tmp_path / "campaign.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((RECORDED / "store.sql").read_text(encoding="utf-8"))
    connection.close()
    return path


def table_of(store, **criterion):
    options = screen_options(cations=("Li",), spacing_angstrom=0.35, criterion=criterion)
    text = io.StringIO()
    writer = TableWriter(text, SCREENED)
    for found in entry_rows(store, int(store.note("plan")), options):
        writer.write(found.rows)
    return text.getvalue()


def _rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def _of_that_version(text):
    """Rows with the recorded columns; those that were added since are empty."""
    recorded = _rows((RECORDED / "screened.csv").read_text("utf-8"))[0].keys()
    rows = _rows(text)
    assert not any(row[key] for row in rows for key in row.keys() - recorded)
    return [{key: row[key] for key in recorded} for row in rows]


def columns_of(path, table):
    with sqlite3.connect(path) as connection:
        return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def test_the_tables_of_an_old_store_are_as_they_were(old_store):
    with pytest.raises(StoreError, match=f"has version 3, this program {VERSION}"):
        Store.read_only(old_store)
    assert "leading_flags" in columns_of(old_store, "structures")
    store, found = Store.open(old_store)
    assert found == 3
    assert _of_that_version(table_of(store)) == _rows(
        (RECORDED / "screened.csv").read_text("utf-8")
    )
    store.close()
    assert Store.open(old_store)[1] == VERSION
    assert ("leading_flags" in columns_of(old_store, "structures")) is (
        sqlite3.sqlite_version_info < (3, 35)
    )


def test_flags_of_an_old_store_stand_in_the_order_of_the_vocabulary(old_store):
    """In 1D the verdict on Li3PO4 holds and depends on the choice of the dimensionality."""
    store, _ = Store.open(old_store)
    rows = {row["reduced_formula"]: row for row in csv.DictReader(io.StringIO(table_of(store)))}
    assert rows["Li10Ge(PS6)2"]["flags"].split(";") == [
        "split_sites", "crowded_sites", "anion_bound", "weighted_occupancies"
    ]  # fmt: skip
    in_1d = csv.DictReader(io.StringIO(table_of(store, dimensionality=1)))
    phosphate = next(row for row in in_1d if row["reduced_formula"] == "Li3PO4")
    assert phosphate["dai"] == "true"
    # 1D: 0.325/0.482 = 0.67 passes, 0.482/0.325 = 1.48 and the refined 0.471/0.394 = 1.20 as well;
    # 2D: 0.854/0.482 = 1.77 does not.
    assert phosphate["flags"] == "dimensionality_decides;anion_bound"
