"""A campaign's store of version 3 opens, loses no structure, and its numbers come out again.

``store_version_3`` was recorded with the program of that version: four bundled structures and a
file that is none, at a grid spacing of 0.35 Å, with the tables that it wrote.
"""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path

import pytest

from dualion.results.columns import BY_KEY
from dualion.results.rejudging import rejudge
from dualion.results.store import Store, StoreError
from dualion.results.store.schema import VERSION
from dualion.results.tables import format_value
from dualion.screening.criterion import DaiCriterion
from dualion.workflows.campaign.export import entry_rows
from dualion.workflows.campaign.plan import jobs_left
from dualion.workflows.campaign.screening_options import screen_options
from dualion.workflows.campaign.tasks import screen_job

RECORDED = Path(__file__).resolve().parents[2] / "results" / "store_version_3"


@pytest.fixture
def old_store(tmp_path):
    path = tmp_path / "campaign.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((RECORDED / "store.sql").read_text(encoding="utf-8"))
    connection.close()
    return path


def recomputed_rows(store, **criterion):
    """Rows of the old structures by the published recipe, whose numbers are those of that time."""
    options = screen_options(
        cations=("Li",), spacing_angstrom=0.35, preset="bvlain", criterion=criterion
    )
    plan = int(store.note("plan"))
    old = [row for found in entry_rows(store, plan, options) for row in found.rows]
    assert {row["reason"] for row in old} == {"no_structure"}  # its rows are out of date
    fresh = [row for job in jobs_left(store, plan, options) for row in screen_job(job).rows]
    return {row["source_id"]: row for row in (*old, *fresh)}


def columns_of(path, table):
    with sqlite3.connect(path) as connection:
        return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def test_the_tables_of_an_old_store_are_as_they_were(old_store):
    with pytest.raises(StoreError, match=f"has version 3, this program {VERSION}"):
        Store.read_only(old_store)
    assert "leading_flags" in columns_of(old_store, "structures")
    store, found = Store.open(old_store)
    assert found == 3
    with (RECORDED / "screened.csv").open(encoding="utf-8", newline="") as handle:
        recorded = {row["source_id"]: row for row in csv.DictReader(handle)}
    found = recomputed_rows(store)
    assert set(found) == set(recorded)
    for name, row in recorded.items():
        for key in set(row) - {"seconds", "key", "message"}:
            assert format_value(found[name].get(key), BY_KEY[key]) == row[key], (name, key)
    store.close()
    assert Store.open(old_store)[1] == VERSION
    assert ("leading_flags" in columns_of(old_store, "structures")) is (
        sqlite3.sqlite_version_info < (3, 35)
    )


def test_flags_of_an_old_store_stand_in_the_order_of_the_vocabulary(old_store):
    """In 1D the verdict on Li3PO4 holds and depends on the choice of the dimensionality."""
    store, _ = Store.open(old_store)
    rows = {row.get("reduced_formula"): row for row in recomputed_rows(store).values()}
    assert rows["Li10Ge(PS6)2"]["flags"].split(";") == [
        "split_sites", "crowded_sites", "anion_bound", "weighted_occupancies"
    ]  # fmt: skip
    phosphate, _ = rejudge(rows["Li3PO4"], DaiCriterion(dimensionality=1))
    assert phosphate["dai"] is True
    # 1D: 0.325/0.482 = 0.67 passes, 0.482/0.325 = 1.48 and the refined 0.471/0.394 = 1.20 as well;
    # 2D: 0.854/0.482 = 1.77 does not.
    assert phosphate["flags"] == "dimensionality_decides;anion_bound"
