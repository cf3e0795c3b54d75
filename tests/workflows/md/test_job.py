"""The process of a segment: it ends when its parent is gone, from its first instruction on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from queue_folders import folder_of, queued, reconcile_runs

from dualion.workflows.md.run.job import main
from dualion.workflows.md.run.run_folder import RunFolder
from dualion.workflows.md.run.supervisor import is_held
from dualion.workflows.md.states import RunState

LONG = {"production_ps": 200.0, "budget_ps": 200.0}

PARENT = """
import os, subprocess, sys
words = ["--device", "cpu", "--checkpoint-s", "0.1", "--parent-pid", str(os.getpid())]
subprocess.Popen([sys.executable, "-m", "dualion.workflows.md.run.job", sys.argv[1], *words])
sys.stdin.read(1)
"""


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = folder_of(tmp_path / "f")
    queued(folder, "queue_samples:Slow", protocol=LONG)
    (one,) = reconcile_runs(folder)
    return folder.run_folder(one.run.place)


def ended_process() -> int:
    """Process id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def wait_for(condition: object, limit_s: float = 120.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.1)


def test_a_segment_whose_parent_is_gone_computes_nothing(run: RunFolder) -> None:
    """The parent died while Python started: only its number on the command line tells."""
    assert main([str(run.path), "--device", "cpu", "--parent-pid", str(ended_process())]) == 0
    progress = run.progress()
    assert (progress.state, progress.segments) == (RunState.PREPARED, 0)


def test_a_segment_ends_at_a_checkpoint_when_its_parent_is_killed(run: RunFolder) -> None:
    root = Path(__file__).resolve().parents[3]
    path = os.pathsep.join([str(root), str(Path(__file__).parent)])
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(run.path)],
        stdin=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
    )
    try:
        wait_for(lambda: run.progress().frames > 2)
    finally:
        parent.kill()
        parent.communicate()
    wait_for(lambda: not is_held(run))
    progress = run.progress()
    assert (progress.state, progress.reason) == (RunState.PAUSED, "")
    assert progress.done_ps > 0.0 and progress.deaths == 0
