"""``dualion report``, ``export``, ``show``, ``compare``: a real run, from the store to the page."""

from __future__ import annotations

import csv
import json
import threading
import zipfile
from pathlib import Path

import pytest
import typer
from page_reader import block_of, head_of, table_of
from typer.testing import CliRunner

from dualion.results.columns import CANDIDATES, SCREENED
from dualion.results.tables import format_value
from dualion.structures.errors import InputError
from dualion.structures.files import reference_paths
from dualion.workflows.cli import compare as compare_command
from dualion.workflows.cli import export as export_command
from dualion.workflows.cli import report as report_command
from dualion.workflows.cli import screen as screen_command
from dualion.workflows.cli import show as show_command
from dualion.workflows.cli.analyze import command as analyze_command

NAMES = ("LiI", "LiGaBr4", "Li3PO4_gamma", "AgI_beta")


@pytest.fixture(scope="module", autouse=True)
def workers(borrow_workers):
    """Every run of this module, also those of its fixtures, uses the session's workers."""
    with borrow_workers():
        yield


@pytest.fixture(scope="module")
def app():
    made = typer.Typer()
    for module in (compare_command, export_command, report_command, screen_command, show_command):
        module.register(made)
    return made


@pytest.fixture(scope="module")
def invoke(app):
    def call(*arguments):
        found = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if found.exception and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found

    return call


@pytest.fixture(scope="module")
def files():
    return [str(path) for path in reference_paths() if path.stem in NAMES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, invoke, files):
    target = tmp_path_factory.mktemp("run") / "run"
    invoke("screen", *files, "--spacing", "0.35", "--workers", "1", "--output", target,
           "--preset", "bvlain")  # fmt: skip
    return target


def cells_of(path):
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.reader(handle))
    return {key: [row[i] for row in rows[1:]] for i, key in enumerate(rows[0])}


def assert_same(page, screened):
    """Every cell; only of candidates the page may know more, from their own table."""
    for column in SCREENED:
        pairs = zip(page[column.key], screened[column.key], page["rank"], strict=True)
        assert all(shown == told or (rank and not told) for shown, told, rank in pairs), column.key


def test_page_holds_every_cell_of_the_tables(folder, invoke):
    assert invoke("report", folder, "--no-sensitivity").exit_code == 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    told, shown = cells_of(folder / "screened.csv"), table_of(page)
    assert_same(shown, told)
    ranked = cells_of(folder / "candidates.csv")
    places = [i for i, rank in enumerate(shown["rank"]) if rank]
    places.sort(key=lambda i: int(shown["rank"][i]))
    for column in CANDIDATES:
        assert [shown[column.key][i] for i in places] == ranked[column.key]
    detailed = head_of(block_of(page, "table"))["detailed"]
    assert sorted(detailed) == sorted(places)


def test_store_tables_and_page_hold_the_same_numbers(tmp_path, invoke, files):
    from dualion.results.store import Store
    from dualion.workflows.campaign.export import entry_rows
    from dualion.workflows.campaign.run import run_campaign
    from dualion.workflows.campaign.yaml_reader import load_campaign

    yaml = json.dumps({"sources": [{"files": files}], "barriers": {"spacing_angstrom": 0.35}})
    (tmp_path / "campaign.yaml").write_text(yaml)
    campaign = load_campaign(tmp_path / "campaign.yaml")
    run_campaign(campaign, stop=threading.Event())
    store = Store.read_only(campaign.store_at)
    plan = int(store.note("plan"))
    stored = [row for found in entry_rows(store, plan, campaign.options()) for row in found.rows]
    store.close()
    invoke("report", tmp_path, "--no-sensitivity")
    page = table_of((tmp_path / "report.html").read_text(encoding="utf-8"))
    told = cells_of(tmp_path / "screened.csv")
    for column in SCREENED:
        of_store = [format_value(row.get(column.key), column) for row in stored]
        assert of_store == told[column.key]
    assert_same(page, told)
    assert "block-detail-" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_report_without_its_inputs_says_so_and_goes_on(folder, tmp_path, invoke):
    sidecar = json.loads((folder / "run.json").read_text())
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("screened.csv", "candidates.csv"):
        (moved / name).write_text((folder / name).read_text())
    (moved / "run.json").write_text(json.dumps(sidecar | {"inputs": ["/nowhere/cifs"]}))
    found = invoke("report", moved)
    assert "shows no structures" in found.stderr
    assert "--input" in found.stderr
    assert "0 in detail" in found.stdout
    again = invoke("report", moved, "--input", sidecar["inputs"][0], "--no-sensitivity")
    assert "0 in detail" not in again.stdout


def test_a_sidecar_of_another_version_costs_the_details_alone(folder, tmp_path, invoke):
    sidecar = json.loads((folder / "run.json").read_text())
    sidecar["options"]["criterion"]["flavour"] = "sour"
    for name in ("screened.csv", "candidates.csv"):
        (tmp_path / name).write_text((folder / name).read_text())
    (tmp_path / "run.json").write_text(json.dumps(sidecar))
    found = invoke("report", tmp_path)
    assert "flavour" in found.stderr
    assert "0 in detail" in found.stdout


def test_report_of_no_run_is_one_sentence(tmp_path, invoke):
    with pytest.raises(InputError, match=r"run\.json"):
        invoke("report", tmp_path)
    with pytest.raises(InputError, match="no folder"):
        invoke("report", tmp_path / "missing")


def test_export_writes_what_it_names(folder, invoke):
    found = invoke("export", folder, "--format", "jsonl", "--format", "cif", "--format", "schema")
    assert found.exit_code == 0
    target = folder / "export"
    lines = (target / "screened.jsonl").read_text().splitlines()
    assert len(lines) == len(cells_of(folder / "screened.csv")["key"])
    with zipfile.ZipFile(target / "structures.zip") as archive:
        assert any(name.endswith(".cif") for name in archive.namelist())
    with pytest.raises(InputError, match="jsonl"):
        invoke("export", folder, "--format", "json")


def test_show_knows_the_structure(folder, invoke):
    text = invoke("show", "LiGaBr4", folder).stdout
    assert "LiGaBr4.cif#LiGaBr4" in text
    assert "anion bound" in text
    rows = json.loads(invoke("show", "LiGaBr4", folder, "--json").stdout)
    told = cells_of(folder / "screened.csv")
    place = told["source_id"].index("LiGaBr4.cif#LiGaBr4")
    assert rows[0]["e3d_cation_ev"] == float(told["e3d_cation_ev"][place])
    assert "no cation" in invoke("show", "AgI", folder).stdout
    with pytest.raises(InputError, match="means"):
        invoke("show", "Li", folder)
    with pytest.raises(InputError, match="no structure"):
        invoke("show", "Zr99", folder)


def test_compare_explains_a_changed_criterion(folder, tmp_path, invoke, files):
    other = tmp_path / "other"
    options = ("--spacing", "0.35", "--workers", "1", "--dimensionality", "1")
    options += ("--preset", "bvlain")
    invoke("screen", *files, *options, "--output", other)
    text = invoke("compare", folder, other).stdout
    assert "options.criterion.dimensionality" in text
    assert "0 of them with other barriers" in text
    found = json.loads(invoke("compare", folder, other, "--json").stdout)
    entered = [c for c in found["changes"] if c["kind"] == "entered"]
    assert any("Li3PO4" in c["pair"][1] and "criterion" in c["why"] for c in entered)


SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "md"


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the public trajectories are not here")
def test_page_shows_what_md_found(folder, tmp_path, invoke, app):
    analyze_command.register(app)
    out = tmp_path / "transport"
    source = SHARED / "nacl_800K_XDATCAR"
    invoke("analyze", source, "--frame-step-fs", "50", "--temperature-k", "800", "--out", out,
           "--no-figures")  # fmt: skip
    known = json.loads((out / "transport.json").read_text())
    page = tmp_path / "page.html"
    name = "LiI.cif#LiI"
    invoke("report", folder, "--out", page, "--no-sensitivity", "--transport", f"{name}={out}")
    text = page.read_text(encoding="utf-8")
    place = table_of(text)["source_id"].index(name)
    run, *_ = head_of(block_of(text, f"detail-{place}"))["dynamics"]
    shown = {row[0]: row[1:] for row in run["tables"][0]["rows"]}
    for species in known["species"]:
        verdict, d, *_ = shown[species["species"]]
        assert verdict == species["verdict"]
        assert d == species["d_text"]
    msd = next(plot for plot in run["plots"] if "MSD" in plot["y_label"])
    assert {curve["name"] for curve in msd["curves"]} == {s["species"] for s in known["species"]}


def test_analyses_in_the_runs_folder_are_found_by_key(tmp_path):
    from dualion.results.report.dynamics import analyses_below, analyses_of

    for name in ("0123456789abcdef-600K/run_1", "fedcba9876543210/run_1"):
        (tmp_path / "md" / name).mkdir(parents=True)
        (tmp_path / "md" / name / "transport.json").write_text("{}")
    found = analyses_below(tmp_path)
    mine = analyses_of({"key": "0123456789abcdef-Li+-I-"}, found)
    assert mine == [tmp_path / "md" / "0123456789abcdef-600K" / "run_1"]
    assert analyses_of({"key": ""}, found) == []


def test_a_folder_without_an_analysis_is_one_sentence(folder, tmp_path, invoke):
    with pytest.raises(InputError, match="dualion analyze"):
        invoke("report", folder, "--transport", f"LiI.cif#LiI={tmp_path}", "--candidates", "0")
    with pytest.raises(InputError, match="does not hold"):
        invoke("report", folder, "--transport", f"nobody={tmp_path}", "--candidates", "0")
    with pytest.raises(InputError, match="ID=FOLDER"):
        invoke("report", folder, "--transport", "nobody", "--candidates", "0")
