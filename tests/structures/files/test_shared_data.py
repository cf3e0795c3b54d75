"""Whole public data sets: every structure of them is read."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Composition

from dualion.structures.files import iter_raw_entries, parse_entry
from dualion.structures.records import RawEntry

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not DATA.is_dir(), reason="the public data sets are not there"),
]


# The CIFs that do not agree lack light atoms or differ in Li content from the table: the CIF of
# Li2OHBr has no H, those of Li-La-Ti-O no Li.
@pytest.mark.parametrize(
    ("every", "agreeing"),
    [(4, 61), pytest.param(1, 235, marks=pytest.mark.whole_data)],
    ids=["every fourth", "all"],
)
def test_obelix_cifs_parse_and_agree_with_the_formula_they_state(every: int, agreeing: int) -> None:
    """OBELiX (arXiv:2502.14234): 254 experimental CIFs, most with partial occupancies."""
    entries = list(iter_raw_entries([DATA / "obelix" / "train_cifs.tar.gz"]))
    assert len(entries) == 254
    records = [parse_entry(entry) for entry in entries[::every]]  # type: ignore[arg-type]
    assert all(record.metadata["stated_formula_agrees"] for record in records)
    with (DATA / "obelix" / "train.csv").open(newline="") as file:
        stated = {row["ID"]: Composition(row["True Composition"]) for row in csv.DictReader(file)}
    found = 0
    for record in records:
        name = Path(record.source_id.split("#")[0]).stem
        theirs = stated[name].fractional_composition
        ours = record.structure.composition.element_composition.fractional_composition
        found += all(abs(ours[e] - theirs[e]) < 0.01 for e in set(ours) | set(theirs))
    assert found == agreeing


def test_rows_of_the_materials_project_parse_to_their_formula() -> None:
    entries = iter_raw_entries([DATA / "mp_li.jsonl.gz"])
    for entry in itertools.islice(entries, 0, 3000, 15):
        assert isinstance(entry, RawEntry)
        record = parse_entry(entry)
        assert record.source_id.startswith("mp-")
        assert record.metadata["source_file"] == "mp_li.jsonl.gz"
        formula = str(record.metadata["stated_formula"])
        reduced = Composition(formula).reduced_composition
        assert record.structure.composition.reduced_composition == reduced
        assert np.isfinite(record.structure.cart_coords).all()
