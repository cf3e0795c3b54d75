"""A run from files to tables."""

from __future__ import annotations

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dualion.results.tables import TableWriter, read_table
from dualion.screening.screen import ScreenOptions
from dualion.structures.errors import InputError
from dualion.workflows.campaign.screen_run import RunFiles, in_order, new_folder, screen_paths
from dualion.workflows.campaign.tasks import Outcome

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


def test_rows_stand_in_the_order_of_the_input(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_structures(tmp_path / "in", 12)
    (tmp_path / "in" / "0005.vasp").write_text("")
    started: list[int | None] = []
    seen: list[int] = []
    summary = screen_paths(
        [tmp_path / "in"],
        ScreenOptions(),
        output=tmp_path / "out",
        workers=2,
        on_start=started.append,
        on_outcome=lambda outcome, _: seen.append(outcome.index),
    )
    rows = read_table(summary.files.screened)
    assert [row["source_id"] for row in rows] == [f"{i:04d}.vasp" for i in range(12)]
    assert [row["status"] for row in rows].count("ok") == 11
    assert rows[5]["reason"] == "empty"
    assert started == [12]
    assert sorted(seen) == list(range(12))
    assert summary.finished
    assert not summary.files.arriving.exists()
    sidecar = json.loads(summary.files.sidecar.read_text())
    assert sidecar["funnel"]["read"] == 12
    assert sidecar["finished"] is True
    ranked = read_table(summary.files.candidates)
    assert [row["rank"] for row in ranked] == list(range(1, len(ranked) + 1))


def test_nothing_is_made_when_a_path_is_wrong_or_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for wrong, said in (("missing.cif", "does not exist"), ("empty", "No structure was found")):
        with pytest.raises(InputError, match=said):
            screen_paths([tmp_path / wrong], ScreenOptions(), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_is_never_overwritten(tmp_path: Path) -> None:
    files = new_folder(tmp_path / "run")
    with pytest.raises(InputError, match="already holds a run"):
        new_folder(tmp_path / "run")  # one that is still at work
    files.arriving.rename(files.screened)
    with pytest.raises(InputError, match="already holds a run"):
        new_folder(tmp_path / "run")


def test_runs_of_one_second_get_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folders = {new_folder(None).folder for _ in range(5)}
    assert len(folders) == 5


def test_a_file_or_an_unwritable_place_is_no_output_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        new_folder(tmp_path / "file")
    with pytest.raises(InputError, match="Cannot write into the folder"):
        new_folder(Path("/proc/dualion"))  # refuses folders even from root


@pytest.mark.usefixtures("shared_workers")
def test_a_full_disk_gives_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    write_structures(tmp_path / "in", 2)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(TableWriter, "write", full)
    with pytest.raises(InputError, match=r"No space left on device.*free space"):
        screen_paths([tmp_path / "in"], ScreenOptions(), output=tmp_path / "out")


def test_held_back_outcomes_come_in_order_and_none_is_lost() -> None:
    def outcome(index: int) -> Outcome:
        return Outcome(index=index, stage="done")

    shuffled = [outcome(i) for i in (2, 0, 1, 5, 3)]
    assert [o.index for o in in_order(shuffled)] == [0, 1, 2, 3, 5]


def interrupted(files: RunFiles, folder: Path, number: signal.Signals) -> tuple[int, str]:
    """Run the command in a process group of its own and signal all of it, as a terminal does."""
    process = subprocess.Popen(
        [
            *(
                sys.executable,
                "-c",
                "from dualion.workflows.cli.main import main; main()",
                "screen",
            ),
            *(str(folder), "--output", str(files.folder), "--workers", "1"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    watchdog = threading.Timer(400, process.kill)
    watchdog.start()
    while process.poll() is None and not (
        files.arriving.exists() and files.arriving.stat().st_size > 5000
    ):
        time.sleep(0.05)
    os.killpg(process.pid, number)
    said, _ = process.communicate()
    watchdog.cancel()
    return process.returncode, said


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_done_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_structures(tmp_path / "in", 800)
    files = RunFiles(folder=tmp_path / "out")
    status, said = interrupted(files, tmp_path / "in", signal.SIGINT)
    assert status == 130, said
    assert "Interrupted" in said
    assert "Traceback" not in said
    with files.screened.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert 0 < len(rows) < 800
    assert {row["status"] for row in rows} == {"ok"}
    assert json.loads(files.sidecar.read_text())["finished"] is False
