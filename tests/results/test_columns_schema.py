"""The schema of the tables: families of columns, digits by unit, headings."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from dualion.results.columns import BY_KEY, CANDIDATES, SCREENED
from dualion.results.tables import format_value

NUMBERS = [column for column in CANDIDATES if column.kind == "number"]


def test_each_family_has_one_two_and_three_dimensions() -> None:
    families = defaultdict(list)
    for column in CANDIDATES:
        if found := re.search(r"(\d)d(_|$)", column.key):
            name = column.key.replace(f"{found[1]}d", "Nd")
            families[name].append(int(found[1]))
    assert len(families) >= 18
    whole = {name: sorted(n) for name, n in families.items() if not name.startswith("interphase")}
    assert all(numbers == [1, 2, 3] for numbers in whole.values())
    assert families["interphase_eNd_anion_ev"] == families["interphase_eNd_cation_ev"] == [3]
    for column in CANDIDATES:
        if found := re.search(r"(\d)d(_|$)", column.key):
            told = f"{column.meaning} {column.label}"
            assert not re.search(r"[123]D", told) or f"{found[1]}D" in told


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("e1d_cation_ev", "0.123457"),
        ("ratio_3d", "0.123457"),
        ("energy_above_hull_ev_atom", "0.123457"),
        ("gii_vu", "0.1235"),
        ("anion_bound_fraction", "0.1235"),
        ("bound_strength", "0.1235"),
        ("e_calibrated_anion_low_ev", "0.1235"),  # its interval is a tenth of an eV wide
        ("md_ea_cation_error_ev", "0.1235"),
        ("seconds", "0.1235"),
        ("md_production_ps", "0.12"),
        ("md_n_eff_anion", "0.1"),
        ("md_reference_k", "0.1"),
        ("md_d_cation_cm2_s", "0.123456789012"),
        ("score", "0.123457"),
    ],
)
def test_a_number_has_as_many_digits_as_its_kind_deserves(key: str, text: str) -> None:
    assert format_value(0.12345678901234, BY_KEY[key]) == text


def test_digits_follow_the_unit() -> None:
    """Coefficients need twelve, what is measured in ps, K or by counting one or two."""
    digits = {
        unit: {column.decimals for column in NUMBERS if column.unit == unit}
        for unit in ("cm²/s", "ps", "K", "v.u.", "eV/atom", "eV")
    }
    assert digits == {
        "cm²/s": {12}, "ps": {2}, "K": {1}, "v.u.": {4}, "eV/atom": {6}, "eV": {4, 6},
    }  # fmt: skip
    plain = [column for column in NUMBERS if re.fullmatch(r"e\dd_\w+ion_(\w+_)?ev", column.key)]
    of_maps = [column for column in plain if "neb" not in column.key]
    assert len(of_maps) >= 21
    assert {column.decimals for column in of_maps} == {6}


def test_a_heading_is_its_own_or_the_key_without_the_unit() -> None:
    assert BY_KEY["e2d_anion_ev"].label == "E(anion) 2D"
    for column in CANDIDATES:
        assert column.label
        assert column.heading or "_" not in column.label
        if column.unit and not column.heading:
            assert not column.label.endswith((" ev", " ev atom", " vu", " cm2 s", " ps", " k"))
    assert BY_KEY["published_e1d_anion_ev"].label.startswith("published")
    assert len({column.key for column in SCREENED}) == len(SCREENED)
