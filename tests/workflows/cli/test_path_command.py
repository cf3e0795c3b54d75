"""``dualion path``: finding the structure again, files, messages."""

from __future__ import annotations

import csv
import dataclasses
import json
import zipfile

import pytest
import typer
from typer.testing import CliRunner

from dualion.results.columns import SCREENED
from dualion.results.run_folder import read_run_folder
from dualion.results.tables import write_table
from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.bvse.potential import preset
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.errors import InputError
from dualion.structures.files import reference_paths
from dualion.workflows.campaign.structure_lookup import barrier_options_of, find_entry, find_in_run
from dualion.workflows.cli.path import command as path_command

CIF = {path.stem: path for path in reference_paths()}


@pytest.fixture
def app():
    application = typer.Typer()
    path_command.register(application)
    application.command("other")(lambda: None)  # with one command, typer leaves its name out
    return application


def called(app, *words):
    return CliRunner().invoke(app, ["path", *map(str, words)])


@pytest.fixture
def run(tmp_path):
    """A run's folder over two structures in one file, with conventions of its own."""
    both = tmp_path / "both.cif"
    both.write_text(CIF["LiCl"].read_text() + CIF["LiFePO4"].read_text())
    folder = tmp_path / "run"
    folder.mkdir()
    options = ScreenOptions(
        barriers=BarrierOptions(spacing_angstrom=0.4, potential=preset("full_depth"))
    )
    rows = [{"source": "file", "source_id": f"both.cif#{name}"} for name in ("LiCl", "LiFePO4")]
    write_table(folder / "screened.csv", rows, SCREENED)
    sidecar = {"inputs": [str(both)], "options": dataclasses.asdict(options)}
    (folder / "run.json").write_text(json.dumps(sidecar))
    return folder


def test_the_command_writes_what_it_names(app, tmp_path):
    out = tmp_path / "out"
    words = ["LiFePO4", "--spacing", 0.3, "--output", out, "--cube", "--grd", "--chgcar"]
    done = called(app, *words)
    assert done.exit_code == 0, done.output
    names = {"path.csv", "path.cif", "path.png", "path.svg", "path.pdf", "sites.csv"}
    assert {file.name for file in out.iterdir()} == names | {"field.cube", "field.grd", "CHGCAR"}
    assert all(file.stat().st_size > 100 for file in out.iterdir())
    assert "Li+ in LiFePO4" in done.output
    assert "Global instability index 0.03" in done.output
    assert "0 1 0" in done.output  # along b


def test_one_dimension_of_an_anion(app, tmp_path):
    words = ["LiFePO4", "--ion", "O", "--dimension", 1, "--spacing", 0.3, "--output", tmp_path]
    done = called(app, *words)
    assert done.exit_code == 0, done.output
    assert "O2- in" in done.output
    with (tmp_path / "path.csv").open() as handle:
        assert {row["dimension"] for row in csv.DictReader(handle)} == {"1"}


def test_the_conventions_of_a_run_are_used(app, run, tmp_path):
    out = tmp_path / "out"
    done = called(app, "both.cif#LiFePO4", "--run", run, "--output", out)
    assert done.exit_code == 0, done.output
    options = barrier_options_of(read_run_folder(run))
    assert options.spacing_angstrom == 0.4
    assert options.potential == preset("full_depth")
    entry = find_in_run(read_run_folder(run), "both.cif#LiFePO4")
    assert "LiFePO4" in entry.text and "LiCl" not in entry.source_id


def test_the_bundled_run_is_read_again(run):
    folder = read_run_folder(run)
    folder.sidecar["inputs"] = ["bundled reference set"]
    folder.rows.append({"source": folder.rows[0]["source"], "source_id": "LiF.cif#LiF"})
    assert find_in_run(folder, "LiF.cif#LiF").source_id == "LiF.cif#LiF"


@pytest.mark.parametrize(
    ("inputs", "source_id", "message"),
    [
        (None, "nothing", "holds no structure 'nothing'"),
        (["gone/*.cif"], "both.cif#LiCl", "cannot be read again"),
        ([str(CIF["LiF"])], "both.cif#LiCl", "no more"),
    ],
)
def test_what_a_run_lost_is_explained(run, inputs, source_id, message):
    folder = read_run_folder(run)
    if inputs is not None:
        folder.sidecar["inputs"] = inputs
    with pytest.raises(InputError, match=message):
        find_in_run(folder, source_id)


def test_a_damaged_sidecar_is_refused(run):
    folder = read_run_folder(run)
    folder.sidecar["options"]["barriers"]["potential"]["no_such_option"] = 1
    with pytest.raises(InputError, match="no conventions"):
        barrier_options_of(folder)


def test_structures_are_found_by_file_block_and_member(tmp_path):
    file = tmp_path / "both.cif"
    file.write_text(CIF["LiCl"].read_text() + CIF["LiF"].read_text())
    assert find_entry(f"{file}#LiF").source_id == "both.cif#LiF"
    assert find_entry(str(CIF["LiF"])).source_id.startswith("LiF.cif")
    assert find_entry("LiF.cif").source_id.startswith("LiF.cif")
    archive = tmp_path / "more.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(file, "deep/both.cif")
        packed.write(CIF["LiI"], "LiI.cif")
    assert find_entry(f"{archive}/deep/both.cif#LiCl").source_id == "more.zip/deep/both.cif#LiCl"
    assert find_entry(f"{archive}/LiI.cif").source_id.startswith("more.zip/LiI.cif")


def test_what_is_not_found_is_explained(tmp_path):
    file = tmp_path / "both.cif"
    file.write_text(CIF["LiCl"].read_text() + CIF["LiF"].read_text())
    with pytest.raises(InputError, match=r"several structures.*both\.cif#LiCl.*both\.cif#LiF"):
        find_entry(str(file))
    with pytest.raises(InputError, match="no structure"):
        find_entry(f"{file}#KCl")
    with pytest.raises(InputError, match="no bundled structure"):
        find_entry("no/such/file.cif")
    with pytest.raises(InputError, match="folder"):
        find_entry(str(tmp_path))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["LiF", "--ion", "Na+"], "it holds Li\\+, F-"),
        (["LiF", "--ion", "Q7"], "no ion"),
        (["LiF", "--dimension", "4"], "no dimension"),
        (["LiF", "--spacing", "9"], "grid spacing"),
        (["LiF", "--preset", "bvlian"], "did you mean 'bvlain'"),
    ],
)
def test_wrong_words_end_in_one_sentence(app, words, message):
    done = called(app, *words)
    assert isinstance(done.exception, InputError)
    with pytest.raises(InputError, match=message):
        raise done.exception


def test_a_folder_that_cannot_be_written(app, tmp_path):
    (tmp_path / "taken").write_text("a file")
    done = called(app, "LiF", "--spacing", 0.4, "--output", tmp_path / "taken")
    assert isinstance(done.exception, InputError)
    assert "--output" in str(done.exception)


def test_a_channel_that_does_not_exist_is_shown_as_such(app, tmp_path):
    done = called(app, "LiCoO2", "--spacing", 0.3, "--dimension", 3, "--output", tmp_path / "x")
    assert done.exit_code == 0, done.output
    assert "inf" in done.output
    assert {file.name for file in (tmp_path / "x").iterdir()} == {"sites.csv"}
