"""The interface of an engine: what to write in order to add one.

An engine advances a run from its checkpoint to a target time within the time limit of a segment,
appends frames to the run's trajectory and leaves a checkpoint. Programs that run on their own
(CP2K, VASP) derive from ``ExternalEngine``: prepare a folder, give the command, read the output.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.run.run_folder import RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Resources of a segment.

    Attributes:
        cores: processor cores.
        gpus: GPUs; 0 keeps the engine off them.
        limit_s: longest computing time of the segment, s; inf without a walltime.
        checkpoint_s: longest computing time between two checkpoints, s.
        launcher: words before an external program: ``mpirun -np 16``.
    """

    cores: int = 1
    gpus: int = 0
    limit_s: float = float("inf")
    checkpoint_s: float = 60.0
    launcher: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class EngineCall:
    """One call of an engine: advance a run from its checkpoint to a target time.

    Attributes:
        folder: the run's folder.
        spec: the run; its protocol has the time step of the present attempt.
        target_ps: simulated time at which to stop, ps.
        resources: resources of the segment.
        stop: once set, write a checkpoint and return.
        started_s: when the segment started, s on the clock of ``time.monotonic``.
        sharing_runs: runs that use the same cores and GPUs at once and share their cost.
    """

    folder: RunFolder
    spec: RunSpec
    target_ps: float
    resources: Resources
    stop: threading.Event = field(default_factory=threading.Event)
    started_s: float = field(default_factory=time.monotonic)
    sharing_runs: int = 1

    @property
    def remaining_s(self) -> float:
        """Computing time that remains of the segment, s."""
        return self.resources.limit_s - (time.monotonic() - self.started_s)

    def record_checkpoint(
        self, *, done_ps: float, frames: int, wall_s: float, msd_angstrom2: Mapping[str, float]
    ) -> None:
        """Record a checkpoint in the run's progress.

        Args:
            done_ps: simulated time at the checkpoint, ps.
            frames: number of frames in the trajectory up to it.
            wall_s: computing time since the previous record, s.
            msd_angstrom2: species → MSD since the start of production, Å²; empty where unknown.
        """
        progress = self.folder.progress()
        progress.done_ps, progress.frames = done_ps, frames
        progress.msd_angstrom2 = {**progress.msd_angstrom2, **msd_angstrom2}
        progress.wall_s += wall_s
        hours = wall_s / 3600.0 / self.sharing_runs
        progress.core_hours += hours * self.resources.cores
        progress.gpu_hours += hours * self.resources.gpus
        progress.pid = os.getpid()
        self.folder.write_progress(progress)


class GuardTrippedError(Exception):
    """A run left the range in which its numbers are meaningful.

    Attributes:
        reason: stable name: ``not_finite``, ``too_hot``, ``energy_blow_up``, ``atoms_too_close``,
            ``volume_runaway``, ``molten``.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class EngineError(Exception):
    """The engine's program failed; the run ends as failed with this reason, its files are kept.

    Attributes:
        reason: stable name, such as ``missing_binary`` or ``engine_stopped``.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Engine(Protocol):
    """One way to integrate the equations of motion."""

    name: str

    def check(self, spec: RunSpec, elements: tuple[str, ...]) -> None:
        """Refuse a run that cannot be computed here, before it is queued.

        Args:
            spec: the run.
            elements: symbols of the elements in its cell.

        Raises:
            InputError: a program, a potential or a package is missing; says what to do.
        """
        ...

    def advance(self, call: EngineCall) -> bool:
        """Advance a run from its checkpoint.

        Args:
            call: the run, its target and its resources.

        Returns:
            Whether the target was reached; False where the time was up or a stop was requested.

        Raises:
            GuardTrippedError: the run must not continue.
            EngineError: the program failed.
            OSError: the disk refuses.
        """
        ...
