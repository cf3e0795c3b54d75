"""Commands of a batch system that are missing, hang, or print what is no text."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from dualion.workflows.execution import batch_queue
from dualion.workflows.execution.batch_queue import (
    JobIdUnknownError,
    QueueRefusedError,
    QueueSilentError,
    cancel_job,
    list_jobs,
    submit_script,
)
from dualion.workflows.execution.schedulers.slurm import Slurm


def put(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> Path:
    """A program of that name, first on the path, and a script to hand over."""
    (folder / name).write_text(f"#!/bin/bash\n{text}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    (folder / "array.sh").write_text("#!/bin/bash\n")
    return folder / "array.sh"


def test_a_missing_program_refuses_and_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(QueueRefusedError, match="sbatch: No such file or directory"):
        submit_script(Slurm(), tmp_path / "array.sh")
    with pytest.raises(QueueSilentError, match="squeue: No such file"):
        list_jobs(Slurm(), ["1"])
    with pytest.raises(QueueSilentError, match="scancel: No such file"):
        cancel_job(Slurm(), "1")


def test_a_command_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_queue, "QUERY_S", 0.3)
    monkeypatch.setattr(batch_queue, "SUBMIT_S", 0.3)
    script = put(tmp_path, monkeypatch, "sbatch", "exec sleep 60")
    put(tmp_path, monkeypatch, "squeue", "exec sleep 60")
    begun = time.monotonic()
    with pytest.raises(QueueSilentError, match="no answer in time"):
        list_jobs(Slurm(), ["1"])
    with pytest.raises(JobIdUnknownError, match="no answer in time"):  # it may have been taken
        submit_script(Slurm(), script)
    assert time.monotonic() - begun < 30.0


def test_what_is_no_text_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = put(tmp_path, monkeypatch, "sbatch", r"printf 'Gr\xfc\xdfe\n42\n'")
    assert submit_script(Slurm(), script) == "42"


def test_a_job_inherits_the_environment_as_it_is_and_queries_are_in_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = put(tmp_path, monkeypatch, "sbatch", 'echo "$PWD $LC_ALL $*" > said; echo 7')
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert submit_script(Slurm(), script) == "7"
    assert (tmp_path / "said").read_text() == f"{tmp_path} de_DE.UTF-8 --parsable array.sh\n"
    put(tmp_path, monkeypatch, "squeue", f'echo "$LC_ALL $SLURM_BITSTR_LEN" > {tmp_path}/asked')
    assert list_jobs(Slurm(), ["7"]) == []
    assert (tmp_path / "asked").read_text() == "C 0\n"
