"""``dualion fetch`` from end to end, on loopback servers."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dualion.structures.files import read_structures
from dualion.workflows.cli import fetch as fetch_command

sys.path.append(str(Path(__file__).resolve().parents[2] / "structures"))
from source_servers import (
    ICSD_LOGIN,
    MP_KEY,
    icsd_cif,
    icsd_service,
    materials_project,
    mp_document,
    rock_salt,
    serving,
)

SECRETS = (MP_KEY, *ICSD_LOGIN)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DUALION_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MP_API_KEY", MP_KEY)
    monkeypatch.setenv("ICSD_USERNAME", ICSD_LOGIN[0])
    monkeypatch.setenv("ICSD_PASSWORD", ICSD_LOGIN[1])


def fetch(*arguments: str) -> tuple[int, str]:
    app = typer.Typer(pretty_exceptions_enable=False)
    fetch_command.register(app)
    result = CliRunner().invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert not any(secret in result.output for secret in SECRETS)
    return result.exit_code, result.output


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "fetched.csv").open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_materials_project_once_then_offline(tmp_path: Path) -> None:
    documents = {f"mp-{n}": mp_document(f"mp-{n}", rock_salt(5 + n)) for n in (1, 2)}
    documents["mp-3"] = mp_document("mp-3", rock_salt(6.5, cation="Pb"), elements=["Li", "Pb", "I"])
    with serving(materials_project(documents)) as server:
        common = ["--source", "mp", "--element", "Li", "--mp-endpoint", server.url]
        code, text = fetch(*common, "--keep-duplicates", "--output", str(tmp_path / "one"))
        assert code == 0 and "2 answers fetched" in text
        before = server.count()
        code, text = fetch(*common, "--keep-duplicates")
        assert code == 0 and "0 answers fetched" in text and server.count() == before
    code, text = fetch(*common, "--offline", "--output", str(tmp_path / "two"))
    assert code == 0 and "1 sorted out: duplicate" in text
    assert [row["source_id"] for row in rows(tmp_path / "one")] == ["mp-1", "mp-2", "mp-3"]
    assert [row["reason"] for row in rows(tmp_path / "one")] == ["", "", "element_missing"]
    provenance = json.loads((tmp_path / "two" / "provenance.json").read_text())
    assert provenance["sources"][0]["licence"].startswith("CC BY 4.0")
    assert provenance["query"]["elements"] == ["Li"] and provenance["sorted_out"]


def test_licensed_structures_are_written_only_on_request(tmp_path: Path) -> None:
    with serving(icsd_service({n: icsd_cif(n) for n in (41, 42)})) as server:
        common = ["--source", "icsd-api", "--element", "Li", "--icsd-endpoint", server.url]
        fetch(*common, "--keep-duplicates", "--output", str(tmp_path / "list"))
        code, text = fetch(
            *common, "--keep-duplicates", "--include-structures", "--output", str(tmp_path / "full")
        )
    assert code == 0 and "2 licensed structures" in text
    listed = {path.name for path in (tmp_path / "list").iterdir()}
    assert listed == {"fetched.csv", "provenance.json"}
    content = (tmp_path / "list" / "fetched.csv").read_text()
    assert "icsd-41" in content and "0.5" not in content and "_atom_site" not in content
    records = list(read_structures([tmp_path / "full" / "structures.jsonl"]))
    assert [record.structure.composition.reduced_formula for record in records] == ["LiI"] * 2  # type: ignore[union-attr]
    for path in tmp_path.rglob("*"):  # nothing licensed outside cache and the asked export
        if path.is_file() and "cache" not in path.parts and "full" not in path.parts:
            assert "_atom_site" not in path.read_text()


def test_several_sources_one_of_them_down(tmp_path: Path) -> None:
    rock_salt().to(str(tmp_path / "a.cif"), fmt="cif")
    with serving(lambda request: pytest.fail("closed")) as server:
        url = server.url
    code, text = fetch(
        "--source", f"file:{tmp_path / 'a.cif'}", "--source", "mp", "--mp-endpoint", url,
        "--cation", "Li", "--offline",
    )  # fmt: skip
    assert code == 0 and "1 structures from file" in text
    assert text.count("Run once without --offline") == 1


def test_duplicates_across_sources_keep_the_measured_one(tmp_path: Path) -> None:
    (tmp_path / "icsd.cif").write_text(icsd_cif(77, extra="_refine_ls_R_factor_all 0.03"))
    documents = {"mp-1": mp_document("mp-1", rock_salt(6.1), energy_above_hull=0.004)}
    with serving(materials_project(documents)) as server:
        code, _ = fetch(
            "--source", "mp", "--source", f"icsd:{tmp_path / 'icsd.cif'}", "--element", "Li",
            "--mp-endpoint", server.url, "--output", str(tmp_path / "out"),
        )  # fmt: skip
    assert code == 0
    lost, kept = rows(tmp_path / "out")
    assert (lost["source_id"], lost["reason"]) == ("mp-1", "duplicate")
    assert kept["collection_code"] == "77" and kept["duplicates"] == "materials_project:mp-1"
    assert float(kept["energy_above_hull_ev_atom"]) == 0.004


def test_all_sources_failing_ends_with_status_2() -> None:
    code, text = fetch("--source", "mp", "--element", "Li", "--offline")
    assert code == 2 and text.count("dualion:") == 1


def test_an_output_folder_is_not_overwritten(tmp_path: Path) -> None:
    from dualion.structures.errors import InputError

    rock_salt().to(str(tmp_path / "a.cif"), fmt="cif")
    arguments = ["--source", str(tmp_path / "a.cif"), "--output", str(tmp_path / "out")]
    assert fetch(*arguments)[0] == 0
    with pytest.raises(InputError, match="exists already"):
        fetch(*arguments)


@pytest.mark.parametrize("name", ["mpp", "nothing:at-all", "icsd:", "optimade:nowhere"])
def test_unknown_sources_are_refused(name: str) -> None:
    from dualion.structures.errors import InputError

    with pytest.raises(InputError):
        fetch("--source", name, "--element", "Li")
