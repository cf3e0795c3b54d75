"""A segment in a process of its own, started by a Dask worker."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dualion.structures.errors import DualionError, InputError
from dualion.workflows.execution.threads import thread_environment
from dualion.workflows.md.engines.base import Resources
from dualion.workflows.md.run.run_folder import RunFolder
from dualion.workflows.md.run.supervisor import is_held
from dualion.workflows.md.states import RunState

LOG = "segment.log"
"""Output of the processes of a run's segments, in the run's folder."""

ORPHAN_WAIT_S = 120.0
"""Longest wait for a segment whose worker died and which ends at its next checkpoint, s."""

POLL_INTERVAL_S = 1.0


class SegmentDiedError(DualionError):
    """The process of a segment died without recording an end in its run's folder."""


def run_segment_process(
    paths: Sequence[Path], resources: Resources, device: str, stop_file: Path, gpus: int
) -> list[dict[str, Any]]:
    """Compute a segment of one run, or of several as a batch, in a process of its own.

    So what kills it leaves the Dask worker alive.

    Args:
        paths: the runs' folders.
        resources: cores, GPUs, time limit, s, and time between checkpoints, s.
        device: auto, cpu or cuda.
        stop_file: once it is there, the segment goes to a checkpoint and ends.
        gpus: GPUs of the machine that are used.

    Returns:
        Progress of each run, as plain values.

    Raises:
        InputError: there is no run, or another process has it.
        SegmentDiedError: its process died.
    """
    words = [
        sys.executable, "-m", "dualion.workflows.md.run.job", *map(str, paths),
        "--cores", str(resources.cores), "--gpus", str(resources.gpus), "--device", device,
        "--limit-s", str(resources.limit_s), "--checkpoint-s", str(resources.checkpoint_s),
        "--launcher", shlex.join(resources.launcher), "--stop-file", str(stop_file),
        "--parent-pid", str(os.getpid()), *(["--together"] if len(paths) > 1 else []),
    ]  # fmt: skip
    _wait_for_orphans(paths, stop_file)
    with (paths[0] / LOG).open("ab") as log:
        status = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(resources, gpus),
            start_new_session=True,  # a Ctrl-C of the terminal is the driver's to handle
        ).returncode
    if status == 2:
        raise InputError(f"{paths[0]} was skipped; see its {LOG}.")
    reached = [RunFolder(path).progress() for path in paths]
    failed = status == 1 and any(progress.state == RunState.FAILED for progress in reached)
    if status != 0 and not failed:  # Python's own status after an exception is 1 too
        raise SegmentDiedError(f"The process of {paths[0]} ended with status {status}.")
    return [asdict(progress) for progress in reached]


def _wait_for_orphans(paths: Sequence[Path], stop_file: Path) -> None:
    """Wait until no segment has the runs: one whose worker died ends at its next checkpoint."""
    end_s = time.monotonic() + ORPHAN_WAIT_S
    while any(is_held(RunFolder(path)) for path in paths):
        if stop_file.exists() or time.monotonic() > end_s:
            return  # the new segment says who has the run
        time.sleep(POLL_INTERVAL_S)


def _environment(resources: Resources, gpus: int) -> dict[str, str]:
    """Environment of a segment: the same modules, its share of cores, one of the GPUs."""
    from distributed import get_worker

    own = {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    own |= thread_environment(resources.cores)
    if gpus > 1 and "CUDA_VISIBLE_DEVICES" not in os.environ:
        own["CUDA_VISIBLE_DEVICES"] = str(int(get_worker().name) % gpus)
    return os.environ | own
