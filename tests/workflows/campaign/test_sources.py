"""Sources of a campaign."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from dualion.structures.files import reference_paths
from dualion.structures.records import RawEntry, Rejection
from dualion.workflows.campaign.sources import SourceBlock, source_entries, source_state


def block(**given: object) -> SourceBlock:
    return SourceBlock.model_validate(given)


def ids(found: SourceBlock, folder: Path) -> dict[str, str]:
    """Name of each entry, and ``ok`` or the reason of its rejection."""
    return {
        entry.source_id.split("#")[0]: entry.reason if isinstance(entry, Rejection) else "ok"
        for entry in source_entries(found, folder)
    }


def test_files_are_looked_for_beside_the_campaign(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.vasp").write_text("text")
    found = block(files=["in"])
    (entry,) = source_entries(found, tmp_path)
    assert isinstance(entry, RawEntry)
    assert found.label() == "files: in"


def test_the_state_follows_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.vasp").write_text("text")
    found = block(files=["."])
    before = source_state(found, tmp_path)
    assert source_state(found, tmp_path) == before
    (tmp_path / "b.vasp").write_text("text")
    assert source_state(found, tmp_path) != before


def test_the_bundled_set_is_a_source(tmp_path: Path) -> None:
    assert len(ids(block(bundled=True), tmp_path)) == len(reference_paths())


def test_an_export_of_a_database_is_filtered_by_the_query(tmp_path: Path) -> None:
    for name in ("LiF", "NaCl"):
        text = next(path for path in reference_paths() if path.stem == name).read_text()
        (tmp_path / f"{name}.cif").write_text(text)
    found = block(database="icsd:.", query={"elements": ["Li"]})
    reasons = sorted(ids(found, tmp_path).values())
    assert reasons[-1] == "ok"
    assert len(reasons) == 2
    assert reasons[0] != "ok"
    before = source_state(found, tmp_path)
    other = block(database="icsd:.", query={"elements": ["Na"]})
    assert source_state(other, tmp_path) != before


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"files": ["a"], "bundled": True},
        {"files": ["a"], "query": {}},
        {"database": "mp"},
        {"database": "mp", "query": {"element": ["Li"]}},
        {"files": []},
    ],
)
def test_a_block_that_makes_no_sense_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        block(**given)
