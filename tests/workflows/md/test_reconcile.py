"""What becomes of runs whose process, job, folder or disk is gone; cancelling and going on."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from pathlib import Path

import pytest
from queue_folders import folder_of, queued, reconcile_runs

import dualion.workflows.md.reconcile as reconcile_module
import dualion.workflows.md.run.supervisor as supervisor
from dualion.structures.errors import InputError
from dualion.workflows.execution.locks import folder_lock
from dualion.workflows.md.cancel import cancel_runs
from dualion.workflows.md.engines import EngineCall, Resources
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.queue_state import InQueue
from dualion.workflows.md.reconcile import RunStatus, reopen
from dualion.workflows.md.run.run_folder import Progress
from dualion.workflows.md.run.segment import LOCK
from dualion.workflows.md.run.supervisor import CANCEL, end_run, supervise_segment
from dualion.workflows.md.states import RunState


@pytest.fixture
def folder(tmp_path: Path) -> MdFolder:
    made = folder_of(tmp_path / "f")
    assert queued(made).added == 1
    return made


def path_of(folder: MdFolder) -> Path:
    with folder.reading() as runs:
        (run,) = runs.all()
    return folder.run_folder(run.place).path


def tell(folder: MdFolder, state: RunState, **changes: object) -> None:
    """What a segment would have left in the run's folder."""
    (seen,) = reconcile_runs(folder)
    files = folder.run_folder(seen.run.place)
    progress = files.progress()
    progress.state = state.value
    for name, value in changes.items():
        setattr(progress, name, value)
    files.write_progress(progress)


def queue_says(monkeypatch: pytest.MonkeyPatch, answer: InQueue | None) -> None:
    def view(folder: MdFolder, *, tidy: bool = False) -> dict[str, InQueue]:
        with folder.reading() as runs:
            return {run.key: answer for run in runs.all()} if answer else {}

    monkeypatch.setattr(reconcile_module, "queue_view", view)


def only(seen: list[RunStatus]) -> RunStatus:
    (one,) = seen
    return one


class Interrupted:
    """An engine whose segment ends as by a kill: nothing is written any more."""

    name = "interrupted"

    def advance(self, call: EngineCall) -> bool:
        raise KeyboardInterrupt


def test_a_queued_run_is_prepared(folder: MdFolder) -> None:
    assert only(reconcile_runs(folder)).state is RunState.PREPARED
    again = queued(folder)
    assert (again.added, again.known) == (0, 1)


@pytest.mark.parametrize("answer", [None, InQueue.NO])
def test_a_process_that_is_gone_is_paused(
    folder: MdFolder, monkeypatch: pytest.MonkeyPatch, answer: InQueue | None
) -> None:
    queue_says(monkeypatch, answer)
    tell(folder, RunState.RUNNING, done_ps=0.1, host=socket.gethostname())
    seen = only(reconcile_runs(folder))
    assert (seen.state, seen.reason) == (RunState.PAUSED, "process_lost")
    assert only(reconcile_runs(folder)).run.state == RunState.PAUSED
    assert folder.run_folder(seen.run.place).progress().done_ps == 0.1


def test_a_process_that_holds_the_run_is_running(folder: MdFolder) -> None:
    tell(folder, RunState.RUNNING)
    with folder_lock(path_of(folder), LOCK):
        assert only(reconcile_runs(folder)).state is RunState.RUNNING


def test_a_job_of_another_machine_is_running_as_long_as_it_writes(
    folder: MdFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_says(monkeypatch, InQueue.UNKNOWN)
    tell(folder, RunState.RUNNING, host="elsewhere")
    assert only(reconcile_runs(folder)).state is RunState.RUNNING
    monkeypatch.setattr(reconcile_module, "SILENT_S", 0.0)
    assert only(reconcile_runs(folder)).state is RunState.SUBMITTED  # the queue may have its job
    queue_says(monkeypatch, InQueue.NO)
    assert only(reconcile_runs(folder)).state is RunState.PAUSED


def test_states_in_the_queue_and_after_it(
    folder: MdFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_says(monkeypatch, InQueue.WAITING)
    assert only(reconcile_runs(folder)).state is RunState.SUBMITTED
    queue_says(monkeypatch, InQueue.UNKNOWN)
    assert only(reconcile_runs(folder)).state is RunState.SUBMITTED
    queue_says(monkeypatch, InQueue.NO)  # gone without a trace
    assert only(reconcile_runs(folder)).state is RunState.PREPARED
    queue_says(monkeypatch, InQueue.WAITING)
    reconcile_runs(folder)
    tell(folder, RunState.DONE, done_ps=0.4, reason="budget_spent")
    queue_says(monkeypatch, InQueue.NO)  # forgotten, found by its files
    seen = only(reconcile_runs(folder))
    assert (seen.state, seen.reason) == (RunState.DONE, "budget_spent")


def test_a_folder_that_is_gone_is_a_failure_that_queueing_mends(folder: MdFolder) -> None:
    shutil.rmtree(path_of(folder))
    seen = only(reconcile_runs(folder))
    assert (seen.state, seen.reason) == (RunState.FAILED, "folder_missing")
    assert "md queue" in seen.message
    assert queued(folder).reopened == 1
    assert only(reconcile_runs(folder)).state is RunState.PREPARED


def test_cancelled_runs_stay_so_until_they_are_queued_again(folder: MdFolder) -> None:
    assert cancel_runs(folder) == (1, [])
    assert only(reconcile_runs(folder)).state is RunState.CANCELLED
    assert supervise_segment(path_of(folder), Resources()).state == RunState.CANCELLED
    assert queued(folder).reopened == 1
    assert only(reconcile_runs(folder)).state is RunState.PREPARED


def test_cancelling_a_run_at_work_brings_it_to_a_checkpoint(folder: MdFolder) -> None:
    queued(folder, "queue_samples:Slow", protocol={"production_ps": 50.0, "budget_ps": 50.0})
    slow = next(one for one in reconcile_runs(folder) if one.run.engine.endswith("Slow"))
    path = folder.run_folder(slow.run.place).path
    thread = threading.Thread(target=supervise_segment, args=(path, Resources(checkpoint_s=0.1)))
    thread.start()
    while folder.run_folder(slow.run.place).progress().frames < 2:
        time.sleep(0.05)
    assert cancel_runs(folder, [slow.run.key])[0] == 1
    thread.join(timeout=60.0)
    progress = folder.run_folder(slow.run.place).progress()
    assert progress.state == RunState.CANCELLED and progress.done_ps > 0.0
    assert not (path / CANCEL).exists()
    states = {one.run.engine: one.state for one in reconcile_runs(folder)}
    assert states["queue_samples:Slow"] is RunState.CANCELLED
    assert states["queue_samples:Wells"] is RunState.PREPARED


def test_a_failed_run_goes_on_when_it_is_asked_to(folder: MdFolder) -> None:
    seen = only(reconcile_runs(folder))
    end_run(folder.run_folder(seen.run.place), RunState.FAILED, "engine_stopped", "Why.")
    failed = only(reconcile_runs(folder))
    assert (failed.state, failed.message) == (RunState.FAILED, "Why.")
    with folder.writing() as runs:
        assert reopen(folder, runs, failed) is RunState.PREPARED
    assert only(reconcile_runs(folder)).state is RunState.PREPARED


def test_a_calculator_that_gives_nan_fails_with_the_reason(folder: MdFolder) -> None:
    queued(folder, "queue_samples:Broken")
    broken = next(one for one in reconcile_runs(folder) if one.run.engine.endswith("Broken"))
    progress = supervise_segment(folder.run_folder(broken.run.place).path, Resources())
    assert (progress.state, progress.reason) == ("failed", "not_finite")
    assert progress.attempt == 2


def test_a_segment_without_time_fails_and_says_what_to_do(folder: MdFolder) -> None:
    path = path_of(folder)
    progress = supervise_segment(path, Resources(limit_s=0.0))
    if progress.state == RunState.FAILED:
        assert progress.reason == "walltime_too_short" and "raise walltime" in progress.message
    else:  # an engine may do one frame whatever the limit
        assert progress.done_ps > 0.0


def test_a_run_whose_segments_are_killed_before_a_checkpoint_ends(folder: MdFolder) -> None:
    path = path_of(folder)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            supervise_segment(path, Resources(), engine=Interrupted())
        assert only(reconcile_runs(folder)).state is RunState.PAUSED
    progress = supervise_segment(path, Resources())
    assert (progress.state, progress.reason) == (RunState.FAILED, "process_killed")
    assert "raise walltime or memory" in progress.message
    failed = only(reconcile_runs(folder))
    with folder.writing() as runs:
        reopen(folder, runs, failed)
    assert supervise_segment(path, Resources()).done_ps > 0.0


def test_a_bug_costs_one_run(folder: MdFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object, **__: object) -> Progress:
        raise ZeroDivisionError("zero")

    monkeypatch.setattr(supervisor, "run_segment", bug)
    progress = supervise_segment(path_of(folder), Resources())
    assert (progress.state, progress.reason) == ("failed", "internal_error")
    assert "ZeroDivisionError" in (path_of(folder) / "traceback.txt").read_text()


def test_a_run_that_another_process_has_is_refused(folder: MdFolder) -> None:
    with (
        folder_lock(path_of(folder), LOCK),
        pytest.raises(InputError, match="already being run"),
    ):
        supervise_segment(path_of(folder), Resources())


def test_nothing_queued_and_unknown_ids_are_said(tmp_path: Path, folder: MdFolder) -> None:
    with (
        pytest.raises(InputError, match="plan some with: dualion md queue"),
        folder_of(tmp_path / "empty").reading(),
    ):
        pass
    with pytest.raises(InputError, match="No run of nobody is queued"):
        cancel_runs(folder, ["nobody"])
