"""A run from files to tables."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dualion.results.tables import TableWriter, read_table
from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.bvse.potential import PotentialOptions, with_changes
from dualion.screening.criterion import DaiCriterion
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.errors import InputError
from dualion.workflows.campaign.run import run_campaign
from dualion.workflows.campaign.screen_run import output_folder, screen_paths
from dualion.workflows.campaign.status import campaign_status
from dualion.workflows.campaign.yaml_reader import load_campaign, screening_of

POSCAR = """{name}
1.0
{a} 0 0
0 {a} 0
0 0 {a}
Li {anion}
1 1
Direct
0 0 0
0.5 0.5 0.5
"""


def write_structures(folder: Path, number: int) -> None:
    for index in range(number):
        text = POSCAR.format(name=index, a=3.0 + 0.001 * index, anion="F")
        (folder / f"{index:04d}.vasp").write_text(text)


def computed(folder: Path) -> list[int]:
    """How many structures each run in a folder computed, by its log."""
    lines = (folder / "campaign.log.jsonl").read_text().splitlines()
    return [event["computed"] for event in map(json.loads, lines) if event["event"] == "end"]


@pytest.mark.usefixtures("shared_workers")
def test_rows_stand_in_the_order_of_the_input(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_structures(tmp_path / "in", 12)
    (tmp_path / "in" / "0005.vasp").write_text("")
    seen: list[tuple[int, int]] = []
    result = screen_paths(
        [tmp_path / "in"],
        ScreenOptions(),
        output=tmp_path / "out",
        workers=2,
        on_progress=lambda progress: seen.append((progress.done, progress.total)),
    )
    rows = read_table(result.files.screened)
    assert [row["source_id"] for row in rows] == [f"{i:04d}.vasp" for i in range(12)]
    assert [row["status"] for row in rows].count("ok") == 11
    assert rows[5]["reason"] == "empty"
    assert seen[-1] == (11, 11)
    sidecar = json.loads(result.files.sidecar.read_text())
    assert sidecar["funnel"]["read"] == 12
    assert sidecar["finished"] is True
    assert sidecar["inputs"] == [str(tmp_path / "in")]
    ranked = read_table(result.files.candidates)
    assert [row["rank"] for row in ranked] == list(range(1, len(ranked) + 1))


def test_nothing_is_made_when_a_path_is_wrong_or_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for wrong, said in (("missing.cif", "does not exist"), ("empty", "No structure was found")):
        with pytest.raises(InputError, match=said):
            screen_paths([tmp_path / wrong], ScreenOptions(), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("shared_workers")
def test_the_same_command_goes_on_and_another_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_structures(tmp_path / "in", 3)
    asked = {"paths": [tmp_path / "in"], "options": ScreenOptions(), "output": tmp_path / "out"}
    first = screen_paths(**asked)  # type: ignore[arg-type]
    assert (first.computed, first.left) == (3, 0)
    before = first.files.screened.read_bytes()
    again = screen_paths(**asked, workers=2, time_limit_s=100.0)  # type: ignore[arg-type]
    assert (again.computed, again.left, again.summary) == (0, 0, None)
    wider = ScreenOptions(criterion=DaiCriterion(max_ratio=2.0))
    for change, said in (
        ({"options": wider}, r"criterion.max_ratio 1.5 then, 2.0 now"),
        ({"options": ScreenOptions(cations=("Na",))}, r'ions.cations \["Li"\] then, \["Na"\] now'),
        ({"paths": []}, "sources"),
        ({"ranking": {"gap": 0.0}}, "ranking"),
    ):
        with pytest.raises(
            InputError, match=f"another screening: .*{said}.*Choose another --output"
        ):
            screen_paths(**{**asked, **change})  # type: ignore[arg-type]
    assert first.files.screened.read_bytes() == before
    write_structures(tmp_path / "in", 5)  # the same question to more structures
    assert screen_paths(**asked).computed == 2  # type: ignore[arg-type]


def test_what_a_folder_holds_without_a_store_is_never_overwritten(tmp_path: Path) -> None:
    folder = output_folder(tmp_path / "run")
    (folder / "screened.csv").write_text("kept")
    with pytest.raises(InputError, match="already holds a run"):
        output_folder(folder)


@pytest.mark.usefixtures("shared_workers")
def test_commands_of_campaigns_take_the_folder_of_a_screening(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_structures(tmp_path / "in", 2)
    options = ScreenOptions(
        criterion=DaiCriterion(max_ratio=math.inf),
        barriers=BarrierOptions(potential=with_changes(PotentialOptions(), cutoff_angstrom=8.0)),
        deciding_anion=None,
        judged="grid",
        strict=True,
    )
    screen_paths([tmp_path / "in"], options, output=tmp_path / "out")
    campaign = load_campaign(tmp_path / "out")
    assert campaign.options() == options
    status = campaign_status(campaign)
    assert (status["done"], status["left"], status["rows"]) == (2, 0, {"ok": 2})
    assert run_campaign(campaign).computed == 0


def test_runs_of_one_second_get_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folders = {output_folder(None) for _ in range(5)}
    assert len(folders) == 5


def test_a_file_or_an_unwritable_place_is_no_output_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        output_folder(tmp_path / "file")
    with pytest.raises(InputError, match="Cannot write into the folder"):
        output_folder(Path("/proc/dualion"))  # refuses folders even from root


@pytest.mark.usefixtures("shared_workers")
def test_a_full_disk_gives_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    write_structures(tmp_path / "in", 2)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(TableWriter, "write", full)
        with pytest.raises(InputError, match=r"No space left on device.*free space"):
            screen_paths([tmp_path / "in"], ScreenOptions(), output=tmp_path / "out")
    result = screen_paths([tmp_path / "in"], ScreenOptions(), output=tmp_path / "out")
    assert result.computed == 0  # what was computed was safe in the store
    assert len(read_table(result.files.screened)) == 2


def command(folder: Path, output: Path) -> list[str]:
    program = "from dualion.workflows.cli.main import main; main()"
    return [
        *(sys.executable, "-c", program, "screen", str(folder)),
        *("--output", str(output), "--workers", "1"),
    ]


ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def interrupted(folder: Path, output: Path, number: signal.Signals) -> tuple[int, str]:
    """Run the command in a process group of its own and signal all of it, as a terminal does."""
    process = subprocess.Popen(
        command(folder, output),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=ENVIRONMENT,
    )
    watchdog = threading.Timer(400, process.kill)
    watchdog.start()
    while process.poll() is None and not (
        screening_of(output) and campaign_status(load_campaign(output))["done"] > 5
    ):
        time.sleep(0.1)
    os.killpg(process.pid, number)
    said, _ = process.communicate()
    watchdog.cancel()
    return process.returncode, said


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_group_keeps_what_was_done_and_the_same_command_goes_on(
    tmp_path: Path, number: signal.Signals
) -> None:
    inputs, output = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    write_structures(inputs, 600)
    status, said = interrupted(inputs, output, number)
    assert status == 130, said
    assert "Interrupted" in said and f"--output {output}" in said
    assert "Traceback" not in said
    rows = read_table(output / "screened.csv")
    assert 0 < len(rows) < 600
    assert {row["status"] for row in rows} == {"ok"}
    assert json.loads((output / "run.json").read_text())["finished"] is False
    again = subprocess.run(
        command(inputs, output), capture_output=True, text=True, env=ENVIRONMENT, timeout=600
    )
    assert again.returncode == 0, again.stderr
    assert computed(output) == [len(rows), 600 - len(rows)]
    names = [row["source_id"] for row in read_table(output / "screened.csv")]
    assert names == [f"{i:04d}.vasp" for i in range(600)]
