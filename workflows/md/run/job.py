"""The process of a segment: ``python -m dualion.workflows.md.run.job RUNFOLDER…``.

It advances one run after the other within its time limit and writes to nothing but their folders.
A SIGTERM ends it at a checkpoint. A run that has ended is skipped, so that a job may be started
again at any time.

The engines are imported where they are used: the watch of the parent process starts before the
seconds that these imports take.
"""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from dualion.structures.errors import DualionError, InputError
from dualion.workflows.execution.output_stream import guard_output
from dualion.workflows.execution.signals import stop_on_signal

if TYPE_CHECKING:
    from dualion.workflows.md.engines import Resources
    from dualion.workflows.md.run.torch_sim_batch import SegmentFunction

LEAST_S = 5.0
"""Shortest remaining time in which a further run is started, s."""

POLL_INTERVAL_S = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one job.

    Returns:
        Exit status: 0 done or paused, 1 a run failed, 2 a wrong input.
    """
    asked = _parser().parse_args(arguments)
    try:
        with stop_on_signal() as stop, stop_without_parent(asked.parent_pid, stop):
            return 0 if stop.is_set() else _advance_runs(asked, stop)
    except DualionError as error:
        print(f"dualion: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dualion.workflows.md.run.job")
    parser.add_argument("runs", type=Path, nargs="*", help="folders of runs")
    parser.add_argument("--list", type=Path, help="file with the folders of each element, a line")
    parser.add_argument("--element", type=int, default=1, help="line of the list, from 1")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--gpus", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--launcher", default="", help="words before an external program")
    parser.add_argument("--checkpoint-s", type=float, default=60.0)
    parser.add_argument("--limit-s", type=float, default=float("inf"), help="from --begun on")
    parser.add_argument("--begun", type=float, default=0.0, help="start, s since the epoch")
    parser.add_argument("--stop-file", type=Path, help="end at a checkpoint once it exists")
    parser.add_argument("--together", action="store_true", help="the runs as one batch")
    parser.add_argument("--parent-pid", type=int, default=0, help="end once this process is gone")
    parser.add_argument("--job", default="", help="number in the queue")
    return parser


@contextlib.contextmanager
def stop_without_parent(pid: int, stop: threading.Event) -> Iterator[None]:
    """Set an event once the parent process is gone, at once where it already is.

    Args:
        pid: of the parent, as the parent gave it; 0 for none to watch. A process cannot ask for it
            itself: if the parent died before that, it would watch its foster parent.
        stop: the event.
    """
    if not pid:
        yield
        return
    try:
        parent: psutil.Process | None = psutil.Process(pid)
    except psutil.NoSuchProcess:
        parent = None
    if not _is_alive(parent):
        stop.set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL_INTERVAL_S):
            if not _is_alive(parent):
                stop.set()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _is_alive(process: psutil.Process | None) -> bool:
    try:
        return (
            process is not None
            and process.is_running()
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.NoSuchProcess:
        return False


def _advance_runs(asked: argparse.Namespace, stop: threading.Event) -> int:
    started_s = asked.begun or time.time()
    if asked.together:
        return _advance_batch(asked, asked.limit_s - (time.time() - started_s), stop)
    status = 0
    for path in asked.runs or _read_element(asked.list, asked.element):
        remaining_s = asked.limit_s - (time.time() - started_s)
        if stop.is_set() or remaining_s < LEAST_S:
            print(f"{path}: no time is left; it continues with the next segment")
            continue
        status = max(status, _advance_run(path, asked, remaining_s, stop))
    return status


def _resources(asked: argparse.Namespace, remaining_s: float) -> Resources:
    from dualion.workflows.md.engines import Resources

    return Resources(
        cores=asked.cores,
        gpus=asked.gpus,
        limit_s=remaining_s,
        checkpoint_s=asked.checkpoint_s,
        launcher=tuple(shlex.split(asked.launcher)),
    )


def _segment_function(asked: argparse.Namespace) -> SegmentFunction:
    """``supervise_segment`` with the stop file of the command line."""
    from dualion.workflows.md.run.supervisor import supervise_segment

    return partial(supervise_segment, stop_files=[asked.stop_file] if asked.stop_file else [])


def _advance_run(
    path: Path, asked: argparse.Namespace, remaining_s: float, stop: threading.Event
) -> int:
    """Advance one run; one that cannot start leaves the others alone."""
    resources, segment = _resources(asked, remaining_s), _segment_function(asked)
    try:
        progress = segment(path, resources, device=asked.device, job=asked.job, stop=stop)
    except InputError as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 2
    print(
        f"{path}: {progress.state}, {progress.done_ps:g} ps. {progress.message}".strip(), flush=True
    )
    return 1 if progress.state == "failed" else 0


def _advance_batch(asked: argparse.Namespace, remaining_s: float, stop: threading.Event) -> int:
    """Advance several runs as one batch; one that another process has leaves the others alone."""
    from dualion.workflows.md.run.torch_sim_batch import run_batch

    try:
        run_batch(
            asked.runs,
            _resources(asked, remaining_s),
            stop=stop,
            device=asked.device,
            job=asked.job,
            segment=_segment_function(asked),
        )
    except InputError as error:
        print(error, file=sys.stderr)
    return 0


def _read_element(file: Path | None, element: int) -> list[Path]:
    """Read the folders of an element: a line of the list, separated by tabs, below ``md/``.

    Raises:
        InputError: there is no such line.
    """
    if file is None:
        raise InputError("Name folders of runs, or --list FILE and --element N.")
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        line = lines[element - 1] if element > 0 else ""
    except (OSError, IndexError) as error:
        raise InputError(f"{file} has no line {element} ({error}).") from error
    return [file.resolve().parents[2] / place for place in line.split("\t") if place]


if __name__ == "__main__":
    guard_output()  # a log that cannot be written must not cost the work
    sys.exit(main())
