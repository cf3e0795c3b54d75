"""Folders of any name, and folders that may only be read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dualion.results.run_folder import read_run_folder
from dualion.results.store import Store
from dualion.results.tables import read_table
from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.errors import InputError
from dualion.structures.files import reference_paths
from dualion.workflows.campaign.run import run_campaign
from dualion.workflows.campaign.screen_run import screen_paths
from dualion.workflows.campaign.status import campaign_status
from dualion.workflows.campaign.structure_lookup import find_in_run
from dualion.workflows.campaign.yaml_reader import load_campaign

pytestmark = pytest.mark.usefixtures("shared_workers")

COARSE = ScreenOptions(barriers=BarrierOptions(spacing_angstrom=0.4))


def write_campaign(folder: Path, files: str = "in") -> Path:
    (folder / "in").mkdir(parents=True)
    for path in reference_paths():
        if path.stem in ("LiF", "LiI"):
            shutil.copy(path, folder / "in")
    text = f"sources: [{{files: ['{files}']}}]\nbarriers: {{spacing_angstrom: 0.4}}\n"
    (folder / "campaign.yaml").write_text(text)
    return folder


@pytest.mark.parametrize("name", ["a#b", "a?mode=rw", "100%25", "a b", "a\nb", "a[1]*", "ü&;'\""])
def test_a_folder_may_have_any_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_campaign(tmp_path / name, "in/*.cif")
    campaign = load_campaign(folder)
    assert run_campaign(campaign).computed == 2
    assert campaign_status(campaign)["done"] == 2
    ids = [row["source_id"] for row in read_table(folder / "screened.csv")]
    assert [str(one).split("#")[0] for one in ids] == ["LiF.cif", "LiI.cif"]
    monkeypatch.chdir(folder)
    assert screen_paths(["in/*.cif"], COARSE, output=folder / "out").computed == 2
    assert [row["source_id"] for row in read_table(folder / "out" / "screened.csv")] == ids
    assert campaign_status(load_campaign(Path("out")))["done"] == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('queue: "short\\n#SBATCH --uid=0"', "one word"),
        ('queue: "a b"', "one word"),
        ("node_scratch: /tmp/$(id)`x`", "one word"),
        ('directives: ["--a\\n--b"]', "entry of its own"),
    ],
)
def test_what_would_break_a_job_script_is_refused(line: str, said: str, tmp_path: Path) -> None:
    folder = write_campaign(tmp_path / "c")
    with (folder / "campaign.yaml").open("a") as file:
        file.write(f"cluster:\n  kind: slurm\n  memory_per_worker: 2GB\n  {line}\n")
    with pytest.raises(InputError, match=said):
        load_campaign(folder)


@pytest.mark.parametrize("name", ["LiI.cif#LiI", "lii.cif", "LiI"])
@pytest.mark.parametrize("kind", ["campaign", "screening"])
def test_a_structure_is_found_in_the_store_by_id_part_or_formula(
    kind: str, name: str, tmp_path: Path
) -> None:
    folder = write_campaign(tmp_path / "c")
    if kind == "campaign":
        run_campaign(load_campaign(folder))
    else:
        screen_paths([folder / "in"], COARSE, output=folder)
    shutil.rmtree(folder / "in")  # the store has the texts
    found = find_in_run(read_run_folder(folder), name)
    assert found.source_id == "LiI.cif#LiI"
    with pytest.raises(InputError, match="means 2 structures"):
        find_in_run(read_run_folder(folder), "cif")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    path = Path(tempfile.mkdtemp(prefix="dualion-"))
    path.chmod(0o755)
    yield path
    (path / "c").chmod(0o755)
    shutil.rmtree(path)


READ = """
import json, os, sys
from pathlib import Path
from dualion.workflows.campaign.status import campaign_status
from dualion.workflows.campaign.yaml_reader import load_campaign

campaign_status(load_campaign(Path(sys.argv[1])))  # imports what it needs
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
print(json.dumps(campaign_status(load_campaign(Path(sys.argv[2])))))
"""


def test_status_works_where_nothing_can_be_written(tmp_path: Path, open_folder: Path) -> None:
    writable = write_campaign(tmp_path / "c")
    run_campaign(load_campaign(writable))
    folder = Path(shutil.copytree(writable, open_folder / "c"))
    assert not list(folder.glob("campaign.db-*"))
    folder.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(writable), str(folder)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout)
    assert (status["done"], status["left"], status["driver"]["running"]) == (2, 0, False)


def test_a_store_of_any_name_is_told_by_that_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a#b%20c"):
        Store.read_only(tmp_path / "a#b%20c.db")
