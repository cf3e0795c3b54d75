"""Locks of folders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dualion.structures.errors import InputError
from dualion.workflows.execution.locks import LOCK_NAME, folder_lock, is_running

WRITER = """
import sys, pathlib
from dualion.workflows.execution.locks import folder_lock
with folder_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_message_speaks_of_the_folder_and_its_holder(tmp_path: Path) -> None:
    with folder_lock(tmp_path), pytest.raises(InputError) as caught, folder_lock(tmp_path):
        pass
    said = str(caught.value)
    assert str(tmp_path) in said and f"process {os.getpid()}" in said
    assert "campaign" not in said


def test_who_asks_does_not_keep_others_out(tmp_path: Path) -> None:
    with folder_lock(tmp_path):
        assert is_running(tmp_path)
    assert not is_running(tmp_path)
    with (tmp_path / LOCK_NAME).open() as handle:  # as is_running holds it for a moment
        import fcntl

        fcntl.flock(handle.fileno(), fcntl.LOCK_SH)
        assert not is_running(tmp_path)


def test_a_lock_is_seen_in_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)},
    )
    assert process.stdout and process.stdout.readline() == b"held\n"
    (tmp_path / LOCK_NAME).chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        assert is_running(tmp_path)
    finally:
        tmp_path.chmod(0o755)
        process.communicate(b"")
    assert not is_running(tmp_path)
