"""Elements of sites that have labels only: the formula decides, and a guess is said."""

from __future__ import annotations

import pytest

from dualion.structures.errors import UnreadableStructureError
from dualion.structures.files import parse_entry
from dualion.structures.records import RawEntry, StructureRecord, reader_flags

PLACES = ("0.1 0.2 0.3", "0.6 0.7 0.8", "0.35 0.1 0.6", "0.9 0.9 0.9", "0.8 0.3 0.1")


def parse(labels: str, formula: str = "", *, typed: bool = False) -> StructureRecord:
    """A cell with one site for each label (or ``label:symbol``)."""
    head = f"_chemical_formula_sum '{formula}'\n" if formula else ""
    names = "_atom_site_label\n" + ("_atom_site_type_symbol\n" if typed else "")
    rows = [
        f"{label.replace(':', ' ')} {place}"
        for label, place in zip(labels.split(), PLACES, strict=False)
    ]
    text = (
        f"data_x\n{head}_cell_length_a 9\n_cell_length_b 9\n_cell_length_c 9\n"
        f"_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\nloop_\n{names}"
        "_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n" + "\n".join(rows) + "\n"
    )
    return parse_entry(RawEntry(source="t", source_id="t", format="cif", text=text))


def content(record: StructureRecord) -> dict[str, float]:
    return dict(record.structure.composition.as_dict())


@pytest.mark.parametrize(
    ("labels", "formula", "expected"),
    [
        ("LI1 PO1 OS1", "Li P O", {"Li": 1, "P": 1, "O": 1}),
        ("LI1 HO1 O1", "Li H O", {"Li": 1, "H": 1, "O": 1}),
        ("NA1 CN1 N1", "Na C N", {"Na": 1, "C": 1, "N": 1}),
        ("Li1 Wat O-H", "H3 Li O2", {"Li": 1, "O": 2}),
        ("Li1 Wat1 WAT2", "Li (H2 O)2", {"Li": 1, "O": 2}),
        ("Li1 W1 O1", "Li O2", {"Li": 1, "O": 2}),
        ("Li1 W1 O1", "Li W O", {"Li": 1, "W": 1, "O": 1}),
        ("Li1 W1 W2", "Li W2", {"Li": 1, "W": 2}),
        ("LI1 CO1 CO2 O1", "Li Co2 O", {"Li": 1, "Co": 2, "O": 1}),
        ("CO1 CO2 C1 O1", "C3 O", {"C": 3, "O": 1}),
        ("CO1 CO2 C1 O1", "Co2 C O", {"Co": 2, "C": 1, "O": 1}),
        ("Co1 C1 O1", "Co C O", {"Co": 1, "C": 1, "O": 1}),
        ("SI1 S1 LI1", "Li S2", {"S": 2, "Li": 1}),
        ("H1O H2O O1", "H2 O", {"H": 2, "O": 1}),
        ("Li1 H2O", "Li O H2", {"Li": 1, "O": 1}),
        ("Li1 D1", "Li D", {"Li": 1, "H": 1}),
        ("LI1 Os1 Po1", "Li O P", {"Li": 1, "O": 1, "P": 1}),
        ("Li1 Li2 Cl", "Li2.00(3) Cl", {"Li": 2, "Cl": 1}),
    ],
)
def test_the_formula_decides_what_a_label_means(
    labels: str, formula: str, expected: dict[str, float]
) -> None:
    record = parse(labels, formula)
    assert content(record) == expected
    assert "elements_guessed" not in record.metadata


@pytest.mark.parametrize("label", ["PO1", "Po1", "Wat", "W1", "OS1", "HO1", "H2O"])
def test_no_polonium_or_tungsten_in_silence(label: str) -> None:
    record = parse(f"LI1 {label}")
    assert set(content(record)) <= {"Li", "P", "O", "H", "C", "W"}
    assert "elements_guessed" in reader_flags(record.metadata)


@pytest.mark.parametrize("label", ["PO1", "W1", "Po1", "XX1"])
def test_a_label_that_the_formula_has_no_element_for_is_refused(label: str) -> None:
    with pytest.raises(UnreadableStructureError) as caught:
        parse(f"Li1 {label}", "Li N")
    assert caught.value.reason == "unknown_element"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("LI1 CN1", {"Li": 1, "C": 1}),
        ("Li1 Cl1 Na1", {"Li": 1, "Cl": 1, "Na": 1}),
        ("Li1 I1 O2", {"Li": 1, "I": 1, "O": 1}),
    ],
)
def test_plain_labels_need_no_formula_and_are_no_guess(
    labels: str, expected: dict[str, float]
) -> None:
    record = parse(labels)
    assert content(record) == expected
    assert reader_flags(record.metadata) == ()


@pytest.mark.parametrize(
    ("labels", "formula", "expected"),
    [
        ("Li1:Li A:CL B:O2-", "Li Cl O", {"Li", "Cl", "O"}),
        ("Li1:Li A:Wat", "Li O", {"Li", "O"}),
        ("Li1:Li A:PO", "Li P", {"Li", "P"}),
        ("Li1:Li A:OW1", "", {"Li", "O"}),
        ("Li1:Li A:Co B:C C:O", "Li Co C O", {"Li", "Co", "C", "O"}),
    ],
)
def test_type_symbols_are_read_by_the_formula_too(
    labels: str, formula: str, expected: set[str]
) -> None:
    assert set(content(parse(labels, formula, typed=True))) == expected


def test_a_type_symbol_is_believed_against_the_formula_and_flagged() -> None:
    record = parse("Li1:Li A:Na", "Li", typed=True)
    assert content(record) == {"Li": 1, "Na": 1}
    assert reader_flags(record.metadata) == ("stated_formula_differs",)


def test_hydrogen_that_is_meant_and_not_listed_is_flagged() -> None:
    record = parse("Li1 Wat O-H", "H3 Li O2")
    assert reader_flags(record.metadata) == ("stated_formula_differs", "implicit_hydrogens")
    assert "implicit_hydrogens" not in parse("Li1 OW1 HW1 HW2", "Li O H2").metadata


@pytest.mark.parametrize(
    ("ours", "stated", "agrees"),
    [
        ("Li1 O1", "Li O", True),
        ("Li1 O1", "Li2 O2", True),
        ("Li1 O1", "Li O2", False),
        ("Li1 O1 Na1", "Li O", False),
        ("Li1 O1", "no formula", None),
    ],
)
def test_agreement_with_the_stated_formula(ours: str, stated: str, agrees: bool | None) -> None:
    typed = " ".join(f"{label}:{label[:-1]}" for label in ours.split())
    record = parse(typed, stated, typed=True)
    assert record.metadata.get("stated_formula_agrees") is agrees
