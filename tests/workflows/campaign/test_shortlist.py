"""The shortlist through whole runs: what is set aside is said, kept and comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dualion.results.tables import read_table
from dualion.workflows.cli.main import app

pytestmark = pytest.mark.usefixtures("shared_workers")


def rock_salts(folder: Path) -> Path:
    """Four rock salts, so that all pass with a ratio near 1; and two cells of LiCl."""
    coords = [0, 0, 0, 0, 0.5, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 0]
    coords += [0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0.5, 0, 0, 0, 0.5]
    lines = [
        {"material_id": name, "lattice": [a] * 3 + [90] * 3, "species": [["Li", 4], [anion, 4]],
         "coords": coords}
        for name, anion, a in (("mp-1", "Cl", 5.13), ("mp-2", "Br", 5.5), ("mp-3", "Cl", 5.2))
    ]  # fmt: skip
    file = folder / "salts.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    return file


def screened(*words: str) -> str:
    done = CliRunner().invoke(app, ["screen", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_avoided_compounds_leave_and_return_without_computing(tmp_path: Path) -> None:
    out, salts = tmp_path / "out", rock_salts(tmp_path)
    properties = tmp_path / "known.csv"
    properties.write_text("material_id,icsd_id,energy_above_hull\nmp-1,77,0.01\n")
    words = (str(salts), "--spacing", "0.4", "--workers", "1", "--output", str(out))
    said = screened(*words, "--avoid", "Br", "--properties", str(properties))
    assert "avoided element 1" in said
    rows = {row["source_id"]: row for row in read_table(out / "screened.csv")}
    assert rows["mp-2"]["set_aside"] == "avoided_element"
    assert rows["mp-2"]["dai"] is True
    assert rows["mp-1"]["energy_above_hull_ev_atom"] == 0.01
    assert rows["mp-1"]["linked_ids"] == "icsd-77"
    assert rows["mp-3"]["energy_above_hull_ev_atom"] is None
    ranked = read_table(out / "candidates.csv")
    assert [row["source_id"] for row in ranked] == ["mp-1", "mp-3"]
    assert [row["compound_structures"] for row in ranked] == [2, 2]
    assert [row["score_stability"] for row in ranked] == [0.9, None]
    assert json.loads((out / "run.json").read_text())["shortlist"]["avoid"] == ["Br"]

    keys = [row["key"] for row in rows.values()]
    before = (out / "campaign.db").stat()
    again = screened(*words)
    assert "Set aside" not in again
    assert {row["source_id"] for row in read_table(out / "candidates.csv")} == {
        "mp-1", "mp-2", "mp-3"
    }  # fmt: skip
    assert [row["key"] for row in read_table(out / "screened.csv")] == keys
    assert before.st_ino == (out / "campaign.db").stat().st_ino


def test_what_a_row_states_of_itself_stands_in_the_table(tmp_path: Path) -> None:
    """Hull energy and gap of a JSON row; the user's table comes before them where it knows more."""
    salts = rock_salts(tmp_path)
    first = json.loads(salts.read_text().splitlines()[0])
    first |= {"energy_above_hull": 0.03, "band_gap": 6.2}
    salts.write_text(json.dumps(first) + "\n")
    words = (str(salts), "--spacing", "0.4", "--workers", "1", "--output", str(tmp_path / "out"))
    screened(*words)
    (row,) = read_table(tmp_path / "out" / "screened.csv")
    assert (row["energy_above_hull_ev_atom"], row["band_gap_ev"]) == (0.03, 6.2)
    known = tmp_path / "known.csv"
    known.write_text("material_id,energy_above_hull\nmp-1,0.01\n")
    screened(*words, "--properties", str(known))
    (row,) = read_table(tmp_path / "out" / "screened.csv")
    assert (row["energy_above_hull_ev_atom"], row["band_gap_ev"]) == (0.01, 6.2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--avoid", "Xx"), "Cannot avoid 'Xx'"),
        (("--properties", "no/such.csv"), "Cannot read the properties"),
    ],
)
def test_wrong_words_end_before_anything_is_computed(
    words: tuple[str, str], message: str, tmp_path: Path
) -> None:
    done = CliRunner().invoke(
        app, ["screen", str(rock_salts(tmp_path)), *words, "--output", str(tmp_path / "out")]
    )
    assert done.exit_code != 0
    assert message in str(done.exception)
    assert not (tmp_path / "out" / "screened.csv").exists()
