"""What all engines that are programs of their own share: restarts, stale processes, diagnoses."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from dualion.workflows.md.engines import EngineError
from dualion.workflows.md.engines.diagnostics import diagnose, make_symptom
from dualion.workflows.md.engines.stale_processes import kill_stale_process, record_process
from dualion.workflows.md.engines.work_folder import WorkFolder


def test_a_restart_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = WorkFolder(tmp_path / "work")
    work.save_restart(10, {"a": b"first", "b": b"second"})
    real = os.fsync

    def refuse(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        work.save_restart(20, {"a": b"third", "b": b"fourth"})
    monkeypatch.setattr(os, "fsync", real)
    assert work.find_restart(20) is None
    kept = work.find_restart(10)
    assert kept is not None and (kept / "b").read_bytes() == b"second"
    work.save_restart(20, {"a": b"third"})
    work.prune_restarts(20)
    assert work.find_restart(10) is None and work.find_restart(20) is not None


def test_calls_are_numbered_and_the_old_keep_their_inputs(tmp_path: Path) -> None:
    work = WorkFolder(tmp_path / "work")
    assert work.latest_call() is None
    first = work.start_call(0, keep=("in",))
    (first.path / "in").touch()
    (first.path / "out").touch()
    second = work.start_call(40, keep=("in",))
    assert [p.name for p in first.path.iterdir()] == ["in"]
    assert work.latest_call() == second and second.from_step == 40
    (second.path / "call.json").write_text("{")  # killed while it was written
    assert work.latest_call() is None


def test_calls_of_an_earlier_version_are_found_and_counted_on(tmp_path: Path) -> None:
    work = WorkFolder(tmp_path / "work")
    for number, step in ((1, 0), (2, 40)):
        old = work.path / f"piece-{number:04d}"
        old.mkdir(parents=True)
        (old / "piece.json").write_text(f'{{"from_step": {step}}}')
        (old / "out").touch()
    latest = work.latest_call()
    assert latest is not None and (latest.path.name, latest.from_step) == ("piece-0002", 40)
    assert work.start_call(80, keep=()).path.name == "call-0003"
    assert not (work.path / "piece-0002" / "out").exists()
    latest = work.latest_call()
    assert latest is not None and (latest.path.name, latest.from_step) == ("call-0003", 80)


def test_a_program_left_over_in_the_folder_is_ended_and_no_other(tmp_path: Path) -> None:
    ours, elsewhere = tmp_path / "ours", tmp_path / "elsewhere"
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    programs = []
    for folder in (ours, elsewhere):
        folder.mkdir()
        programs.append(subprocess.Popen(sleep, cwd=folder, start_new_session=True))
    left_over, other = programs
    try:
        assert not kill_stale_process(ours)  # nobody has noted one
        record_process(ours, other.pid)
        assert not kill_stale_process(ours) and other.poll() is None
        record_process(ours, left_over.pid)
        assert kill_stale_process(ours)
        assert not psutil.pid_exists(left_over.pid) and other.poll() is None
        assert not kill_stale_process(ours)
    finally:
        for program in programs:
            if program.poll() is None:
                program.kill()
            program.wait()


@pytest.mark.parametrize(
    ("text", "status", "reason", "said"),
    [
        ("fine\n", -9, "killed", "signal 9"),
        ("fine\n", 143, "killed", "signal 15"),
        ("fine\n", 0, "no_progress", "left no restart"),
        ("*** The basis is gone ***\n\n", 1, "engine_stopped", "“The basis is gone”"),
        ("", 3, "engine_stopped", "status 3"),
        ("SCF did not CONVERGE\n", 1, "scf", "raise max_scf."),
    ],
)
def test_an_ending_is_explained(
    tmp_path: Path, text: str, status: int, reason: str, said: str
) -> None:
    output = tmp_path / "x.out"
    output.write_text("noise\n" * 10_000 + text)
    known = (make_symptom("did not converge", "scf", "raise max_scf."),)
    error = diagnose("x", output, status, known)
    assert isinstance(error, EngineError)
    assert error.reason == reason and said in str(error) and str(output) in str(error)


def test_a_full_disk_is_told_from_a_failure(tmp_path: Path) -> None:
    output = tmp_path / "x.out"
    output.write_text("write: No space left on device\n")
    error = diagnose("x", output, 1)
    assert isinstance(error, OSError) and error.errno == errno.ENOSPC
