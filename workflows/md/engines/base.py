"""What an engine is: the one thing to write in order to add one.

An engine takes a run from its checkpoint to a target in a piece that fits a time limit, and leaves
frames in the run's joined trajectory and a checkpoint behind. Programs that run on their own
(CP2K, VASP) are ``ExternalEngine``: prepare a folder, say the command, read back.
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
    """What a piece may use.

    Attributes:
        cores: processor cores.
        gpus: GPUs; 0 keeps the engine off them.
        limit_s: longest computing time of the piece, s; inf without a walltime.
        checkpoint_s: longest computing time between two checkpoints, s.
        launcher: words before an external program: ``mpirun -np 16``.
    """

    cores: int = 1
    gpus: int = 0
    limit_s: float = float("inf")
    checkpoint_s: float = 60.0
    launcher: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Leg:
    """One call of an engine: from where the run stands to a target.

    Attributes:
        folder: the run's folder.
        spec: what the run is; its protocol has the time step of the present attempt.
        target_ps: where to stop and be looked at, ps.
        resources: what may be used.
        stop: once it is set, the run is brought to a checkpoint and left.
        begun: when the piece began, by ``time.monotonic``.
        shared_by: runs that use the same cores and GPUs at once and share their cost.
    """

    folder: RunFolder
    spec: RunSpec
    target_ps: float
    resources: Resources
    stop: threading.Event = field(default_factory=threading.Event)
    begun: float = field(default_factory=time.monotonic)
    shared_by: int = 1

    @property
    def left_s(self) -> float:
        """Computing time that is left of the piece, s."""
        return self.resources.limit_s - (time.monotonic() - self.begun)

    def note(
        self, *, done_ps: float, frames: int, wall_s: float, msd_angstrom2: Mapping[str, float]
    ) -> None:
        """Write down that a checkpoint was made.

        Args:
            done_ps: simulated time at the checkpoint, ps.
            frames: frames of the trajectory that belong to it.
            wall_s: computing time since the last note, s.
            msd_angstrom2: species → MSD since the production began, Å²; empty where unknown.
        """
        progress = self.folder.progress()
        progress.done_ps, progress.frames = done_ps, frames
        progress.msd_angstrom2 = {**progress.msd_angstrom2, **msd_angstrom2}
        progress.wall_s += wall_s
        hours = wall_s / 3600.0 / self.shared_by
        progress.core_hours += hours * self.resources.cores
        progress.gpu_hours += hours * self.resources.gpus
        progress.pid = os.getpid()
        self.folder.write_progress(progress)


class GuardTrippedError(Exception):
    """A run left the realm where its numbers mean something.

    Attributes:
        reason: stable name: ``not_finite``, ``too_hot``, ``energy_blow_up``, ``atoms_too_close``,
            ``volume_runaway``, ``molten``.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class EngineError(Exception):
    """The engine's program failed: the run is kept and ends as failed, with the reason.

    Attributes:
        reason: stable name, such as ``missing_binary`` or ``engine_stopped``.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Engine(Protocol):
    """One way to move the atoms."""

    name: str

    def check(self, spec: RunSpec, elements: tuple[str, ...]) -> None:
        """Refuse what cannot run here, before it is queued.

        Raises:
            InputError: a program, a potential or a package is missing; says what to do.
        """
        ...

    def advance(self, leg: Leg) -> bool:
        """Go on from the checkpoint.

        Returns:
            Whether the target was reached; otherwise the time was up or a stop was asked for.

        Raises:
            GuardTrippedError: the run must not go on.
            EngineError: the program failed.
            OSError: the disk refuses.
        """
        ...
