"""Engines that are programs of their own: prepare a folder, say the command, read back.

A program runs in a piece below ``work/`` of the run's folder and is followed from outside: at
every checkpoint what it has written so far is joined, so that a kill costs no more than the steps
since its last restart.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dualion.workflows.execution.threads import thread_environment
from dualion.workflows.md.engines.base import EngineError, Leg
from dualion.workflows.md.engines.diagnostics import Symptom, trouble_of
from dualion.workflows.md.engines.stale_processes import end_orphan, note_process
from dualion.workflows.md.engines.work_folder import Piece, WorkFolder
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.run.checkpointed_trajectory import JoinedTrajectory
from dualion.workflows.md.run.guards import Guard
from dualion.workflows.md.run.trajectory_file import MdFrame

LOOK_EVERY_S = 1.0
GRACE_S = 60.0
"""How long a program may take to end after it was asked to, s."""

NOTICE_SHARE, LONGEST_NOTICE_S = 0.05, 300.0
"""Share of the time limit, and most time, that is left to a program when it is asked to stop, s:
it finishes the step it is in and writes its restart."""


@dataclass(frozen=True, slots=True)
class Restart:
    """A sound restart in a piece: its MD step, and how to read its files (name to content)."""

    step: int
    files: Callable[[], Mapping[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a program has left so far.

    Attributes:
        frames: MD step to frame, kept steps alone; positions may be folded back.
        restarts: sound restarts, the newest first.
        last_step: last MD step of which there is any trace.
    """

    frames: dict[int, MdFrame] = field(default_factory=dict)
    restarts: Iterable[Restart] = ()
    last_step: int = -1


class ExternalEngine(ABC):
    """A program that runs in pieces below ``work/`` of the run's folder.

    A sub-class says how a piece is prepared, started, asked to stop, and read back.

    Attributes:
        name: of the engine.
        inputs: files of a piece that are kept as a record.
        repeats_restart: whether a piece begins with the frame of the step of its restart.
        symptoms: what the program's output says when it fails.
    """

    name: str
    inputs: tuple[str, ...] = ()
    repeats_restart = False
    symptoms: tuple[Symptom, ...] = ()

    @abstractmethod
    def check(self, spec: RunSpec, elements: tuple[str, ...]) -> None:
        """Refuse what cannot run here; see ``Engine``."""

    @abstractmethod
    def prepare(self, leg: Leg, piece: Piece, restart: Path | None, *, to_step: int) -> None:
        """Write the inputs of a piece.

        Args:
            leg: the call.
            piece: where the program will run, and the step at which it begins.
            restart: folder with the files of the restart; None for the start.
            to_step: step of the last frame that is wanted.

        Raises:
            EngineError: something that the program needs is missing.
        """

    @abstractmethod
    def program(self, spec: RunSpec) -> list[str]:
        """The program and its arguments, to be run in the piece's folder."""

    @abstractmethod
    def read_back(self, leg: Leg, piece: Piece) -> Found:
        """What the program has left in a piece so far; what is not sound is left out."""

    @abstractmethod
    def ask_to_stop(self, piece: Piece) -> None:
        """Ask the program to finish its step, write a restart and end."""

    def command(self, leg: Leg) -> list[str]:
        """The program behind its launcher; several cores without one get ``mpirun``.

        Raises:
            EngineError: the program is not there.
        """
        program = self.program(leg.spec)
        launcher = list(leg.resources.launcher)
        if not launcher and leg.resources.cores > 1 and shutil.which("mpirun"):
            launcher = ["mpirun", "-np", str(leg.resources.cores)]
        for needed in (launcher[:1], program[:1]):
            if needed and shutil.which(needed[0]) is None:
                raise EngineError("missing_binary", self.missing(needed[0]))
        return [*launcher, *program]

    def missing(self, program: str) -> str:
        """What to do where a program is missing."""
        return f"There is no program {program}; install it or load its module."

    def environment(self, leg: Leg) -> dict[str, str]:
        """Environment of the program: one thread a rank; Open MPI may run as root."""
        ranks = bool(leg.resources.launcher) or shutil.which("mpirun") is not None
        threads = 1 if ranks else leg.resources.cores
        asked = thread_environment(threads)
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            asked |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        return os.environ | asked

    def advance(self, leg: Leg) -> bool:
        """Go on from the checkpoint; see ``Engine``."""
        follower = _Follower.of(self, leg)
        follower.take()
        to_step = leg.spec.protocol.steps_of(leg.target_ps)
        while not follower.reached(to_step):
            if leg.stop.is_set() or leg.left_s <= notice_s(leg):
                return False
            before = follower.joined.step
            status = follower.run(to_step)
            follower.take()
            if follower.reached(to_step) or leg.stop.is_set() or leg.left_s <= notice_s(leg):
                continue  # whatever its status: it was asked to end
            if status != 0 or follower.joined.step == before:
                raise trouble_of(self.name, follower.output, status, self.symptoms)
        return True


@dataclass(slots=True, kw_only=True)
class _Follower:
    """Runs one program after the other and joins what they leave.

    Attributes:
        engine: whose program it is.
        leg: the call.
        work: pieces and restarts.
        joined: frames and checkpoint on the disk.
        guard: looks at each frame.
        last: shape (n, 3), Å; positions of the last joined frame, unfolded.
        piece: the newest piece.
    """

    engine: ExternalEngine
    leg: Leg
    work: WorkFolder
    joined: JoinedTrajectory
    guard: Guard
    last: NDArray[np.float64]
    piece: Piece | None

    @classmethod
    def of(cls, engine: ExternalEngine, leg: Leg) -> _Follower:
        """Where the run stands."""
        work = WorkFolder(leg.folder.path / "work")
        joined = JoinedTrajectory.open(leg)
        start = leg.folder.atoms().get_positions()
        piece = work.newest()
        if piece is not None:
            end_orphan(piece.path)
        return cls(
            engine=engine,
            leg=leg,
            work=work,
            joined=joined,
            guard=Guard.of(leg, energy_ev=joined.first_energy_ev),
            last=np.asarray(joined.state.get("last_positions", start), dtype=np.float64),
            piece=piece,
        )

    @property
    def stride(self) -> int:
        """MD steps between two kept frames."""
        return self.leg.spec.protocol.steps_per_frame

    @property
    def output(self) -> Path:
        """What the program of the newest piece has printed."""
        folder = self.piece.path if self.piece else self.work.path
        return folder / f"{self.engine.name}.out"

    def reached(self, to_step: int) -> bool:
        """Whether the frame of a step has been joined."""
        return self.joined.frames > to_step // self.stride

    def take(self) -> None:
        """Join what the program has left, up to the newest restart without a gap before it.

        Raises:
            GuardTrippedError: a frame is out of bounds.
            OSError: the disk refuses.
        """
        if self.piece is None:
            return
        found = self.engine.read_back(self.leg, self.piece)
        for restart in found.restarts:
            if restart.step <= self.joined.step:
                return
            if self._without_gap(found, restart.step):
                self._join(found, restart)
                return

    def _without_gap(self, found: Found, step: int) -> bool:
        last = step - 1 if self.engine.repeats_restart else step
        first = self.joined.frames * self.stride
        return all(s in found.frames for s in range(first, last + 1, self.stride))

    def _join(self, found: Found, restart: Restart) -> None:
        frames, last = [], self.last
        first = self.joined.frames * self.stride
        for step in range(first, restart.step + 1, self.stride):
            if step not in found.frames:
                break  # the next piece begins with it
            frame = _unfolded(found.frames[step], last)
            self.guard.check(frame)
            frames.append(frame)
            last = frame.positions
        files = restart.files()
        if not files:
            return  # replaced by the program meanwhile; there will be a newer one
        self.work.keep(restart.step, files)
        self.joined.commit(frames, step=restart.step, state={"last_positions": last})
        self.last = last
        self.work.prune(restart.step)

    def run(self, to_step: int) -> int:
        """Run the program until it ends, the time is up or a stop is asked for; its status.

        Raises:
            EngineError: it cannot be started.
        """
        step = self.joined.step
        restart = self.work.restart(step)
        if restart is None and step > 0:
            raise EngineError(
                "missing_restart",
                f"{self.work.path} holds no restart of step {step}, from which the run must go "
                "on; restore the folder, or queue the run anew.",
            )
        self.piece = self.work.begin(step, keep=self.engine.inputs)
        self.engine.prepare(self.leg, self.piece, restart, to_step=to_step)
        command = self.engine.command(self.leg)
        with self.output.open("ab") as output:
            try:
                process = subprocess.Popen(
                    command,
                    cwd=self.piece.path,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # a Ctrl-C of the terminal is ours to handle
                    env=self.engine.environment(self.leg),
                )
            except OSError as error:
                raise EngineError(
                    "cannot_start", f"{command[0]} cannot be started: {error.strerror}."
                ) from error
            return self._follow(process, self.piece)

    def _follow(self, process: subprocess.Popen[bytes], piece: Piece) -> int:
        asked_at, looked_at = None, time.monotonic()
        try:
            note_process(piece.path, process.pid)
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=LOOK_EVERY_S)
                now = time.monotonic()
                ending = self.leg.stop.is_set() or self.leg.left_s <= notice_s(self.leg)
                if asked_at is None and ending:
                    self.engine.ask_to_stop(piece)
                    asked_at = now
                elif asked_at is not None and now - asked_at > GRACE_S + notice_s(self.leg):
                    _kill(process)
                elif now - looked_at > self.leg.resources.checkpoint_s:
                    self.take()
                    looked_at = now
        finally:
            if process.poll() is None:
                _kill(process)
        return int(process.returncode)


def notice_s(leg: Leg) -> float:
    """Time before the limit at which a program is asked to stop, s."""
    return min(LONGEST_NOTICE_S, NOTICE_SHARE * leg.resources.limit_s)


def _unfolded(frame: MdFrame, before: NDArray[np.float64]) -> MdFrame:
    """The frame with each atom at its image nearest to where it was in the frame before."""
    moved = (frame.positions - before) @ np.linalg.inv(frame.cell)
    return MdFrame(
        step=frame.step,
        time_ps=frame.time_ps,
        positions=frame.positions - np.round(moved) @ frame.cell,
        cell=frame.cell,
        energy_ev=frame.energy_ev,
        temperature_k=frame.temperature_k,
    )


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a program and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
