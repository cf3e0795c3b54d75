"""What a chemist would set aside: doubtful structures, avoided elements, anions that are none."""

from __future__ import annotations

import pytest

from dualion.results.ranking import rank_candidates
from dualion.results.shortlist import Shortlist, compound_columns, shortlist_columns
from dualion.screening.ions import MobileIon, is_anion
from dualion.structures.errors import InputError
from dualion.structures.oxidation.redox import redox_activity

PASSING = {
    "dai": True, "reduced_formula": "Li3YBr6", "cation": "Li+", "anion": "Br-", "gii_vu": 0.1,
    "flags": "", "oxidation_states": "Li+;Br-;Y3+",
}  # fmt: skip


def columns(*, rules: Shortlist | None = None, **changes: object) -> dict[str, object]:
    row = {**PASSING, **changes}
    return dict(shortlist_columns(row, rules or Shortlist()))  # type: ignore[arg-type]


def test_a_sound_pair_is_a_candidate() -> None:
    assert columns() == {"flags": "", "set_aside": None}


@pytest.mark.parametrize(
    "flag",
    ["implicit_hydrogens", "cations_missing", "occupancies_lost", "elements_guessed",
     "stated_formula_differs"],
)  # fmt: skip
def test_doubtful_structures_are_set_aside_unless_kept(flag: str) -> None:
    assert columns(flags=flag)["set_aside"] == "doubtful_structure"
    assert columns(flags=flag, rules=Shortlist.of(keep_doubtful=True))["set_aside"] is None
    assert columns(flags=flag, dai=False)["set_aside"] is None  # it never was one


@pytest.mark.parametrize("flag", ["anion_bound", "charge_balance_forced", "weighted_occupancies"])
def test_other_flags_set_nothing_aside(flag: str) -> None:
    assert columns(flags=flag) == {"flags": flag, "set_aside": None}


@pytest.mark.parametrize(
    ("avoid", "formula", "aside"),
    [
        (["radioactive"], "Li2UO4", True),
        (["radioactive"], "Li2BiO4", False),  # bismuth counts as stable
        (["toxic"], "Li2CdCl4", True),
        (["toxic"], "Li2CoCl4", False),
        (["Co,Ni"], "LiNiO2", True),
        (["Co", "N"], "LiNiO2", False),  # Ni is no nitrogen
        (["TOXIC,Y"], "Li3YBr6", True),
        ([" "], "Li3YBr6", False),
        (["Br"], "Li3YBr6", True),
    ],
)
def test_avoided_elements(avoid: list[str], formula: str, aside: bool) -> None:
    got = columns(reduced_formula=formula, rules=Shortlist.of(avoid))["set_aside"]
    assert got == ("avoided_element" if aside else None)


def test_a_guest_that_is_avoided_is_avoided() -> None:
    guest = {"reduced_formula": "Li3PS4", "anion": "F-", "mechanism_anion": "interstitial guest"}
    assert columns(**guest, rules=Shortlist.of(["F"]))["set_aside"] == "avoided_element"


@pytest.mark.parametrize("name", ["Xx", "radioactiv", "li", "Li2"])
def test_what_is_neither_element_nor_list_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"radioactive, toxic, costly"):
        Shortlist.of([name])


@pytest.mark.parametrize(
    ("ion", "real"),
    [
        ("O2-", True), ("S2-", True), ("I-", True), ("H-", True), ("N3-", True), ("Bi3-", True),
        ("O1.9-", True), ("C4-", True), ("C0.67-", False), ("C-", False), ("B0.28-", False),
        ("Au-", False), ("Si4-", False), ("Pt2-", False),
    ],
)  # fmt: skip
def test_an_anion_is_an_electronegative_element_with_its_electrons(ion: str, real: bool) -> None:
    assert is_anion(MobileIon.parse(ion)) is real
    assert columns(anion=ion)["set_aside"] == (None if real else "not_an_anion")


def test_strain_and_redox_are_flagged_on_either_side_of_their_bounds() -> None:
    assert columns(gii_vu=0.2)["flags"] == ""
    assert columns(gii_vu=0.2001)["flags"] == "high_gii"
    assert columns(gii_vu=None)["flags"] == ""
    assert columns(oxidation_states="Li+;O2-;Fe2+")["flags"] == "redox_active"
    assert columns(flags="high_gii;redox_active;anion_bound")["flags"] == "anion_bound"  # anew


@pytest.mark.parametrize(
    ("element", "state", "activity"),
    [
        ("Ti", 4.0, "reducible"), ("Ti", 3.0, "open_shell"), ("V", 5.0, "reducible"),
        ("Fe", 2.0, "open_shell"), ("Cu", 2.0, "open_shell"), ("Cu", 1.0, "reducible"),
        ("Ce", 4.0, "reducible"), ("Zn", 2.0, "none"), ("Zr", 4.0, "none"), ("La", 3.0, "none"),
        ("Y", 3.0, "none"), ("Ag", 1.0, "none"), ("Ag", 2.0, "open_shell"),
        ("Ag", 3.0, "open_shell"), ("Zr", 2.8, "open_shell"), ("Sm", 2.0, "reducible"),
        ("Sn", 4.0, "none"), ("Li", 1.0, "none"), ("Fe", 0.0, "none"),
    ],
)  # fmt: skip
def test_redox_activity(element: str, state: float, activity: str) -> None:
    """By electron count: Ti⁴⁺ 3d⁰, Ti³⁺ 3d¹, Cu⁺ 3d¹⁰; Zn, Zr, La and Y have one state."""
    assert redox_activity(element, state) == activity


def test_an_element_without_a_charge_is_doubtful() -> None:
    """Hydrogen of a hydrate whose oxygen is lost, as in Li2ZnCl4 with H left over."""
    got = columns(oxidation_states="H0;Li+;Cl-;Zn2+")
    assert got == {"flags": "neutral_atoms", "set_aside": "doubtful_structure"}
    assert columns(oxidation_states="H+;Li+;O2-;Cl-")["flags"] == ""


def test_polymorphs_are_grouped_by_rank() -> None:
    names = ["LiI", "Li3YBr6", "LiI", "LiI"]
    rows = [{**PASSING, "reduced_formula": name} for name in names]
    rows[3]["anion"] = "F-"  # another ion of the compound
    assert compound_columns(rows) == [  # type: ignore[arg-type]
        {"compound_structures": 2, "compound_place": 1},
        {"compound_structures": 1, "compound_place": 1},
        {"compound_structures": 2, "compound_place": 2},
        {"compound_structures": 1, "compound_place": 1},
    ]


def test_what_is_set_aside_is_not_ranked() -> None:
    rows = [{**PASSING, "source_id": "a", "set_aside": "avoided_element"},
            {**PASSING, "source_id": "b"}]  # fmt: skip
    assert [row["source_id"] for row in rank_candidates(rows)] == ["b"]  # type: ignore[arg-type]
