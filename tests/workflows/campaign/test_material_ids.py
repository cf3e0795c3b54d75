"""A JSON row's own id names its structure everywhere; the file has a column of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dualion.results.run_folder import read_run_folder
from dualion.results.tables import read_table
from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.screen import ScreenOptions
from dualion.structures.errors import InputError
from dualion.structures.files import parse_entry
from dualion.workflows.campaign.screen_run import screen_paths
from dualion.workflows.campaign.structure_lookup import find_entry, find_in_run, rows_named
from dualion.workflows.cli.main import app

pytestmark = pytest.mark.usefixtures("shared_workers")

COARSE = ScreenOptions(barriers=BarrierOptions(spacing_angstrom=0.4))


def rock_salt(halogen: str, length: float, **more: object) -> str:
    coords = [0, 0, 0, 0, 0.5, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 0]
    coords += [0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0.5, 0, 0, 0, 0.5]
    row = {"lattice": [length] * 3 + [90] * 3, "species": [["Li", 4], [halogen, 4]]}
    return json.dumps({**row, "coords": coords, **more})


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "mp.jsonl"
    lines = [
        rock_salt("Cl", 5.1, material_id="mp-22905", formula="LiCl"),
        rock_salt("Br", 5.5, material_id="mp-23259"),
        rock_salt("I", 6.0, id=12),
        rock_salt("F", 4.0, name="lithium fluoride"),
        json.dumps({"material_id": "mp-1"}),
        rock_salt("Br", 5.6, material_id="mp-23259"),
    ]
    file.write_text("\n".join(lines) + "\n")
    return file


IDS = [
    "mp-22905", "mp-23259", "mp.jsonl#12", "mp.jsonl#lithium fluoride", "mp-1", "mp-23259~2",
]  # fmt: skip


def test_ids_of_table_command_and_file_are_one(rows: Path, tmp_path: Path) -> None:
    screen_paths([rows], COARSE, output=tmp_path / "out")
    table = read_table(tmp_path / "out" / "screened.csv")
    assert [row["source_id"] for row in table] == IDS
    assert {row["source_file"] for row in table} == {"mp.jsonl"}  # the rejected row's too
    assert [row["status"] for row in table].count("rejected") == 1
    shown = CliRunner().invoke(app, ["show", "mp-22905", str(tmp_path / "out")])
    assert shown.exit_code == 0, shown.output
    assert "mp-22905" in shown.output
    run = read_run_folder(tmp_path / "out")
    for name in ("mp-23259~2", "mp.jsonl#mp-23259~2"):
        assert {row["source_id"] for row in rows_named(run, name)} == {"mp-23259~2"}
        length = parse_entry(find_in_run(run, name)).structure.lattice.a
        assert length == pytest.approx(5.6)


def test_a_row_is_found_in_its_file_by_its_id(rows: Path) -> None:
    entry = find_entry(f"{rows}#mp-23259")
    assert entry.source_id == "mp-23259"
    assert find_entry(f"{rows}#12").source_id == "mp.jsonl#12"
    with pytest.raises(InputError, match=r"name one, like mp\.jsonl#mp-22905"):
        find_entry(str(rows))
