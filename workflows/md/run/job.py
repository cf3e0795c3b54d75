"""What a batch system's job runs: ``python -m dualion.workflows.md.run.job RUNFOLDER…``.

It takes one run after the other as far as its time allows and touches nothing but their folders.
A SIGTERM brings the run in hand to a checkpoint and ends. A run that has ended is passed over, so
that a job may be started again at any time.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dualion.structures.errors import DualionError, InputError
from dualion.workflows.execution.signals import stop_on_signal
from dualion.workflows.md.engines import Resources
from dualion.workflows.md.run.supervisor import do_piece
from dualion.workflows.md.run.torch_sim_batch import run_batch

LEAST_S = 5.0
"""With less time than this no further run is begun, s."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one job; its exit status: 0 done or paused, 1 a run failed, 2 a wrong input."""
    asked = _parser().parse_args(arguments)
    try:
        return _work(asked)
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
    parser.add_argument("--begun", type=float, default=0.0, help="s since the epoch")
    parser.add_argument("--stop-file", type=Path, help="once it is there, go to a checkpoint")
    parser.add_argument("--together", action="store_true", help="the runs as one batch")
    parser.add_argument("--with-parent", action="store_true", help="the same once that is gone")
    parser.add_argument("--job", default="", help="number in the queue")
    return parser


def _work(asked: argparse.Namespace) -> int:
    begun = asked.begun or time.time()
    status = 0
    with stop_on_signal() as stop:
        if asked.together:
            return _together(asked, asked.limit_s - (time.time() - begun), stop)
        for path in asked.runs or _listed(asked.list, asked.element):
            left_s = asked.limit_s - (time.time() - begun)
            if stop.is_set() or left_s < LEAST_S:
                print(f"{path}: no time is left; it goes on with the next piece")
                continue
            status = max(status, _one(path, asked, left_s, stop))
    return status


def _resources(asked: argparse.Namespace, left_s: float) -> Resources:
    import shlex

    return Resources(
        cores=asked.cores,
        gpus=asked.gpus,
        limit_s=left_s,
        checkpoint_s=asked.checkpoint_s,
        launcher=tuple(shlex.split(asked.launcher)),
    )


def _piece(asked: argparse.Namespace) -> Any:
    """``do_piece`` with what was asked to be watched."""
    from functools import partial

    return partial(
        do_piece,
        stop_files=[asked.stop_file] if asked.stop_file else [],
        parent=os.getppid() if asked.with_parent else 0,
    )


def _one(path: Path, asked: argparse.Namespace, left_s: float, stop: threading.Event) -> int:
    """One run; a run that cannot be begun leaves the others alone."""
    resources = _resources(asked, left_s)
    try:
        progress = _piece(asked)(path, resources, device=asked.device, job=asked.job, stop=stop)
    except InputError as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 2
    print(
        f"{path}: {progress.state}, {progress.done_ps:g} ps. {progress.message}".strip(), flush=True
    )
    return 1 if progress.state == "failed" else 0


def _together(asked: argparse.Namespace, left_s: float, stop: threading.Event) -> int:
    """Several runs as one batch; one that another process has leaves the others their piece."""
    try:
        run_batch(
            asked.runs,
            _resources(asked, left_s),
            stop=stop,
            device=asked.device,
            job=asked.job,
            piece=_piece(asked),
        )
    except InputError as error:
        print(error, file=sys.stderr)
    return 0


def _listed(file: Path | None, element: int) -> list[Path]:
    """Folders of an element: a line of the list, separated by tabs, below ``md/``.

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
    sys.exit(main())
