"""The schema, the CSV round trip, ranking and funnel."""

from __future__ import annotations

import csv
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualion.results.columns import BY_KEY, CANDIDATES, CORE, SCREENED
from dualion.results.funnel import Funnel
from dualion.results.ranking import rank_candidates
from dualion.results.tables import guard_cell, read_table, unguard_cell, write_table
from dualion.structures.errors import InputError

CONTRACT = """
source source_id formula reduced_formula space_group n_sites disordered cation anion status
reason e1d_cation_ev e2d_cation_ev e3d_cation_ev e1d_anion_ev e2d_anion_ev e3d_anion_ev
ratio_1d ratio_2d ratio_3d dai dai_dimensions anion_bound flags oxidation_method parameters
energy_above_hull_ev_atom band_gap_ev seconds key
"""


def row(**changes):
    base = {"source": "file", "source_id": "a.cif", "status": "ok", "dai": True, "anion": "I-"}
    return base | {"e3d_cation_ev": 0.3, "e3d_anion_ev": 0.4} | changes


def test_core_columns_keep_their_names_and_order():
    assert [column.key for column in CORE] == CONTRACT.split()
    assert CANDIDATES[0].key == "rank"
    assert len(BY_KEY) == len(CANDIDATES)


def test_round_trip(tmp_path):
    path = tmp_path / "screened.csv"
    rows = [
        row(e3d_anion_ev=math.inf, disordered=False, n_sites=8, reason="", flags="a;b"),
        row(status="rejected", dai=None, message='says "no", and\nmore', band_gap_ev=1.25),
    ]
    write_table(path, rows, SCREENED)
    back = read_table(path)
    assert back[0]["e3d_anion_ev"] == math.inf
    assert back[0]["disordered"] is False
    assert back[0]["n_sites"] == 8
    assert back[1]["dai"] is None
    assert back[1]["message"] == 'says "no", and\nmore'
    assert back[1]["band_gap_ev"] == 1.25
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+2.cif", "'=1+2.cif"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\t=1"),
        ("\n=1", "'\n=1"),
        ("\uff1d1+2", "'\uff1d1+2"),
        ("\uff20SUM(A1)", "'\uff20SUM(A1)"),
        ("'=1", "''=1"),
        ("''@x", "'''@x"),
        ("'quoted'", "'quoted'"),
        ("'", "'"),
        ("a=b", "a=b"),
        ("-0.25", "-0.25"),
        ("+5", "+5"),
        ("", ""),
    ],
)
def test_no_cell_is_run_by_a_spreadsheet_and_all_are_read_back(tmp_path, text, cell):
    path = tmp_path / "t.csv"
    write_table(path, [row(source_id=text, reason=text, message=text, ratio_1d=-0.5)], SCREENED)
    with path.open(newline="") as file:
        (written,) = csv.DictReader(file)
    assert (written["source_id"], written["reason"], written["message"]) == (cell, cell, cell)
    assert written["ratio_1d"] == "-0.500000"  # numbers stay numbers
    (back,) = read_table(path)
    assert (back["source_id"], back["reason"], back["message"]) == (text, text, text)
    assert back["ratio_1d"] == -0.5


@given(st.text())
def test_guarded_cells_come_back(text):
    assert unguard_cell(guard_cell(text)) == text.replace("\r", r"\r")


def test_a_carriage_return_begins_no_row(tmp_path):
    write_table(tmp_path / "t.csv", [row(message="a\r=1+2\r\n=3")], SCREENED)
    with (tmp_path / "t.csv").open(newline="") as file:
        (written,) = csv.DictReader(file)
    assert written["message"] == "a\\r=1+2\\r\n=3"


def test_nan_is_empty(tmp_path):
    write_table(tmp_path / "t.csv", [row(ratio_1d=math.nan)], SCREENED)
    assert read_table(tmp_path / "t.csv")[0]["ratio_1d"] is None


def test_foreign_table_is_refused(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="unknown"):
        read_table(path)
    with pytest.raises(InputError, match="no table"):
        read_table(tmp_path / "missing.csv")


def test_ranking_puts_meaning_before_numbers():
    rows = [
        row(source_id="bound", anion_bound=True, e3d_anion_ev=0.1),
        row(source_id="forced", flags="ratio_forced_by_symmetry", e3d_anion_ev=0.1),
        row(source_id="shaky", flags="dimensionality_decides", e3d_anion_ev=0.1),
        row(source_id="slow", e3d_anion_ev=0.45),
        row(source_id="fast"),
        row(source_id="failed", dai=False),
    ]
    ranked = rank_candidates(rows)
    assert [r["source_id"] for r in ranked] == ["fast", "slow", "shaky", "forced", "bound"]
    assert [r["rank"] for r in ranked] == [1, 2, 3, 4, 5]


def test_funnel_counts_structures_not_pairs():
    funnel = Funnel()
    funnel.add([row(), row(anion="S2-", dai=False)], stage="done", cation_below=True)
    funnel.add(
        [row(status="rejected", dai=None, reason="unreadable")], stage="read", cation_below=False
    )
    assert dict(funnel.steps()) == {
        "read": 2,
        "prepared": 1,
        "computed": 1,
        "cation barrier below threshold": 1,
        "ratio in range": 1,
        "candidates": 1,
    }
    funnel.add([row(set_aside="doubtful_structure")], stage="done", cation_below=True)
    assert dict(funnel.steps())["ratio in range"] == 2
    assert dict(funnel.steps())["candidates"] == 1
    assert funnel.set_aside == {"doubtful_structure": 1}
    assert funnel.reasons == {"unreadable": 1}
