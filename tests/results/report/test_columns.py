"""Packed columns give back every cell of the CSV, digit by digit."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from page_reader import planes, unpacked

from dualion.results.columns import CANDIDATES, SCREENED
from dualion.results.report.columns import pack_columns, predictors
from dualion.results.tables import format_value

BARRIERS = st.one_of(st.none(), st.just(math.inf), st.floats(0.0, 12.0))
RATIOS = st.one_of(st.none(), st.just(math.inf), st.just(math.nan), st.floats(0.0, 1e7))


def check(rows):
    notes, parts = pack_columns(rows, CANDIDATES)
    texts = unpacked(notes, parts, len(rows))
    for column in CANDIDATES:
        told = [format_value(row.get(column.key), column) for row in rows]
        assert [text.replace("-0.000000", "0.000000") for text in texts[column.key]] == [
            text.replace("-0.000000", "0.000000") for text in told
        ], column.key


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "source_id": st.text(st.characters(codec="utf-8"), max_size=8),
                "n_sites": st.one_of(st.none(), st.integers(0, 5000)),
                "e1d_cation_ev": BARRIERS,
                "e2d_cation_ev": BARRIERS,
                "e1d_anion_ev": BARRIERS,
                "e1d_cation_refined_ev": BARRIERS,
                "e2d_anion_region_ev": BARRIERS,
                "ratio_1d": RATIOS,
                "energy_above_hull_ev_atom": st.one_of(st.none(), st.floats(-0.5, 3.0)),
                "seconds": st.one_of(st.none(), st.floats(0.0, 1e6)),
                "disordered": st.one_of(st.none(), st.booleans()),
            }
        ),
        max_size=12,
    )
)
def test_every_cell_comes_back(rows):
    check(rows)


def test_empty_table():
    check([])


def test_numbers_beyond_four_bytes_come_back():
    check([{"seconds": 4e9, "ratio_1d": 1e12}, {"seconds": 0.25, "ratio_1d": 0.5}])


def test_a_column_is_predicted_by_earlier_ones_only():
    order = [column.key for column in SCREENED]
    for place, key in enumerate(order):
        assert all(by in order[:place] for by in predictors(key))


def test_ratio_costs_next_to_nothing():
    random = np.random.default_rng(3)
    cation, anion = random.uniform(0.1, 2.0, (2, 4000))
    rows = [
        {"e1d_cation_ev": c, "e1d_anion_ev": a, "ratio_1d": a / c}
        for c, a in zip(cation.tolist(), anion.tolist(), strict=True)
    ]
    notes, parts = pack_columns(rows, CANDIDATES)
    keys = [note["key"] for note in notes]
    codes = planes(parts[keys.index("ratio_1d")], len(rows))
    assert max(codes) < 2**8  # a few units in the last place, where the ratio itself has 24 bits


def test_barriers_predict_each_other_and_ratios_are_quotients():
    assert predictors("ratio_2d") == ("e2d_anion_ev", "e2d_cation_ev")
    assert predictors("e1d_anion_refined_ev") == predictors("e1d_anion_region_ev") == (
        "e1d_anion_ev",
    )  # fmt: skip
    assert predictors("e2d_cation_ev") == ("e1d_cation_ev",)
    assert predictors("e3d_anion_ev") == ("e2d_anion_ev",)
    assert predictors("e1d_anion_ev") == predictors("seconds") == ()
    notes, parts = pack_columns([{"e1d_cation_ev": 0.3, "e2d_cation_ev": 0.3}] * 2, CANDIDATES)
    known = {note["key"]: (note, part) for note, part in zip(notes, parts, strict=True)}
    note, part = known["e2d_cation_ev"]
    assert note["by"] == ["e1d_cation_ev"]
    assert planes(part, 2) == [2, 2]  # 2 + zigzag(0): as predicted
    assert planes(known["e1d_cation_ev"][1], 2) == [2 + 2 * 300000] * 2  # six decimals
    assert planes(known["e3d_anion_ev"][1], 2) == [0, 0]  # empty
    assert known["n_sites"][0]["decimals"] == 0
    assert note["unit"] == "eV"


def test_numbers_up_to_four_bytes_are_packed_and_larger_ones_are_text():
    """The code of an integer n is 2 + 2n, of −n 2 + 2n − 1; four bytes hold up to 4294967295."""
    for n, plain in ((2147483646, False), (2147483647, True)):
        notes, parts = pack_columns([{"n_sites": n}], CANDIDATES)
        (place,) = [i for i, note in enumerate(notes) if note["key"] == "n_sites"]
        assert (notes[place].get("packing") == "json") is plain
        assert texts_of(notes, parts)["n_sites"] == [str(n)]


def texts_of(notes, parts):
    return unpacked(notes, parts, 1)


def test_a_wrong_prediction_that_does_not_fit_is_left_out():
    rows = [{"e1d_cation_ev": 4000.0, "e1d_anion_ev": 1e-6, "ratio_1d": 4000.0}]
    notes, parts = pack_columns(rows, CANDIDATES)
    (ratio,) = [note for note in notes if note["key"] == "ratio_1d"]
    assert texts_of(notes, parts)["ratio_1d"] == [format_value(4000.0, ratio_column())]
    assert ("by" in ratio) is ("packing" not in ratio)


def ratio_column():
    return next(column for column in CANDIDATES if column.key == "ratio_1d")
