"""Page, CSV, JSON lines and Parquet hold the same numbers in every column there is.

Whoever adds a column (as those of the molecular dynamics) is held to it without a further test.
"""

from __future__ import annotations

import csv
import json
import math

import pytest
from full_rows import full_tables
from page_reader import table_of

from dualion.results.columns import CANDIDATES, SCREENED
from dualion.results.export import write_json_lines, write_parquet
from dualion.results.report import report_html
from dualion.results.run_folder import read_run_folder
from dualion.results.tables import read_table, write_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("full")
    screened, candidates = full_tables()
    write_table(found / "screened.csv", screened, SCREENED)
    write_table(found / "candidates.csv", candidates, CANDIDATES)
    (found / "run.json").write_text(json.dumps({"schema_version": 1, "inputs": [], "options": {}}))
    return found


def cells(path):
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    return {key: [row[key] for row in rows] for key in rows[0]}


def test_every_column_is_filled_and_keeps_its_digits(folder):
    """A number that its decimals round to nothing would be lost in every format alike."""
    _, candidates = full_tables()
    told = cells(folder / "candidates.csv")
    for column in CANDIDATES:
        assert all(told[column.key]), column.key
        if column.kind == "number":
            back = [float(text) for text in told[column.key]]
            assert back == [row[column.key] for row in candidates]


def test_the_page_holds_both_tables_cell_by_cell(folder):
    page = table_of(report_html(read_run_folder(folder), title="t", details={}))
    screened, ranked = cells(folder / "screened.csv"), cells(folder / "candidates.csv")
    for column in SCREENED:
        assert page[column.key] == screened[column.key], column.key
    places = [place for place, rank in enumerate(page["rank"]) if rank]
    for column in CANDIDATES:
        assert [page[column.key][place] for place in places] == ranked[column.key], column.key


@pytest.mark.parametrize(("name", "columns"), [("screened", SCREENED), ("candidates", CANDIDATES)])
def test_exports_hold_the_csv(folder, tmp_path, name, columns):
    known = read_table(folder / f"{name}.csv")
    write_json_lines(tmp_path / "t.jsonl", known, columns)
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert lines == [{column.key: row[column.key] for column in columns} for row in known]
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    write_parquet(tmp_path / "t.parquet", known, columns)
    table = parquet.read_table(tmp_path / "t.parquet")
    for column in columns:
        assert table[column.key].to_pylist() == [row[column.key] for row in known], column.key
        assert table.schema.field(column.key).metadata[b"unit"].decode() == column.unit
    assert not any(isinstance(v, float) and math.isnan(v) for row in lines for v in row.values())
