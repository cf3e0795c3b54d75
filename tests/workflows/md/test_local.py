"""Runs worked off by real worker processes: to the end, after a kill, up to a stop."""

from __future__ import annotations

import csv
import gzip
import re
import threading
import time
from pathlib import Path

import psutil
import pytest
from queue_folders import folder_of, queued, reconcile_runs

from dualion.structures.errors import InputError
from dualion.workflows.md.collect import collect_runs
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.reconcile import RunStatus
from dualion.workflows.md.run.local import LocalOptions, run_local
from dualion.workflows.md.states import RunState

pytestmark = pytest.mark.cluster

SHORT = {"production_ps": 0.4, "budget_ps": 0.4}
LONG = {"production_ps": 200.0, "budget_ps": 200.0}


def steps_of(folder: MdFolder, seen: RunStatus) -> list[int]:
    with gzip.open(folder.run_folder(seen.run.place).trajectory, "rt") as handle:
        return [int(step) for step in re.findall(r" step=(\d+)", handle.read())]


def test_a_killed_run_goes_on_and_one_that_dies_again_and_again_fails(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "f")
    for name, lives in (("once", 1), ("always", 99)):
        (tmp_path / name).write_text(str(lives))
        queued(folder, "queue_samples:Deadly", model_path=str(tmp_path / name), protocol=SHORT)
    seen = run_local(folder, LocalOptions(workers=2, device="cpu"))
    by_name = {Path(one.run.spec["model_path"]).name: one for one in seen}
    assert by_name["always"].state is RunState.FAILED
    assert by_name["always"].reason == "process_killed"
    assert "fewer --workers" in by_name["always"].message
    once = by_name["once"]
    assert (once.state, once.progress.segments) == (RunState.DONE, 2)
    assert steps_of(folder, once) == list(range(0, 201, 10))
    found = collect_runs(folder)
    assert (found.done, found.taken, found.problems) == (1, 1, [])
    assert collect_runs(folder).taken == 0
    with (folder.path / "md_runs.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    done = [row for row in rows if row["state"] == "done"]
    assert {row["species"] for row in done} == {"Li", "I"}
    for row in done:  # no D without diffusion
        diffuses = row["verdict"] == "diffusing"
        assert row["verdict"]
        assert bool(row["d_cm2_s"]) is bool(row["d_error_cm2_s"]) is diffuses


def test_a_run_that_advances_between_its_deaths_comes_to_its_end(tmp_path: Path) -> None:
    """Each segment dies after its first checkpoint: more deaths than would end a run in a row."""
    folder = folder_of(tmp_path / "f", "md:\n  checkpoint_s: 0.05\n")
    (tmp_path / "lives").write_text("4")
    queued(
        folder, "queue_samples:Deadly", model_path=str(tmp_path / "lives"),
        protocol={"production_ps": 0.8, "budget_ps": 0.8},
    )  # fmt: skip
    (one,) = run_local(folder, LocalOptions(workers=1, device="cpu"))
    assert (one.state, one.progress.segments) == (RunState.DONE, 5)
    assert steps_of(folder, one) == list(range(0, 401, 10))


def test_a_run_whose_worker_is_killed_goes_on_without_an_orphan(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "f", "md:\n  checkpoint_s: 0.1\n")
    queued(folder, "queue_samples:Slow", protocol={"production_ps": 4.0, "budget_ps": 4.0})
    segments: list[int] = []

    def kill_once(seen: list[RunStatus]) -> None:
        if not segments and seen[0].progress.frames > 2:
            segments.append(seen[0].progress.pid)
            psutil.Process(segments[0]).parent().kill()

    (one,) = run_local(folder, LocalOptions(device="cpu"), on_update=kill_once)
    assert segments and not psutil.pid_exists(segments[0])
    assert (one.state, one.progress.segments) == (RunState.DONE, 2)
    assert steps_of(folder, one) == list(range(0, 2001, 10))


def test_a_stop_brings_every_run_to_a_checkpoint_and_the_next_call_goes_on(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "f")
    queued(folder, "queue_samples:Slow", protocol=LONG)
    stop = threading.Event()
    shown: list[list[RunStatus]] = []

    def update(seen: list[RunStatus]) -> None:
        shown.append(seen)
        if any(one.progress.frames > 2 for one in seen):
            stop.set()

    (one,) = run_local(folder, LocalOptions(device="cpu"), stop=stop, on_update=update)
    assert (one.state, one.reason) == (RunState.PAUSED, "")
    assert one.progress.done_ps > 0.0 and one.progress.ps_per_day > 0.0
    assert any(seen[0].state is RunState.RUNNING for seen in shown)
    begun = time.monotonic()
    (further,) = run_local(folder, LocalOptions(device="cpu", limit_s=12.0))
    assert time.monotonic() - begun < 60.0
    assert further.progress.done_ps >= one.progress.done_ps
    last = steps_of(folder, further)
    assert last == list(range(0, last[-1] + 1, 10))


def test_ids_choose_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "f")
    queued(folder)
    with pytest.raises(InputError, match="No run of nobody"):
        run_local(folder, LocalOptions(ids=("nobody",)))
    assert [one.state for one in reconcile_runs(folder)] == [RunState.PREPARED]
