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
