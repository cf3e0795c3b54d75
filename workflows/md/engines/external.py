"""Engines that are programs of their own: prepare a folder, give the command, read the output.

A program runs below ``work/`` of the run's folder and is monitored from outside: at every
checkpoint the frames it has written so far are appended to the run's trajectory, so that a kill
costs no more than the steps since its last restart.
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
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dualion.workflows.md.engines.base import EngineCall, EngineError
from dualion.workflows.md.engines.diagnostics import Symptom, diagnose
from dualion.workflows.md.engines.stale_processes import kill_stale_process, record_process
from dualion.workflows.md.engines.work_folder import ProgramCall, WorkFolder
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.run.checkpointed_trajectory import CheckpointedTrajectory
from dualion.workflows.md.run.guards import Guard
from dualion.workflows.md.run.trajectory_file import MdFrame

POLL_INTERVAL_S = 1.0
GRACE_S = 60.0
"""How long a program may take to end after a stop request, s."""

NOTICE_SHARE, LONGEST_NOTICE_S = 0.05, 300.0
"""Share of the time limit, and most time, between the stop request and the limit, s: the program
finishes its present step and writes its restart."""


@dataclass(frozen=True, slots=True)
class Restart:
    """A complete restart of a program call.

    Attributes:
        step: its MD step.
        read_files: reads its files, name → content; empty where the program has replaced them.
    """

    step: int
    read_files: Callable[[], Mapping[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramOutput:
    """Output of a program call so far.

    Attributes:
        frames: MD step → frame, at the steps of the trajectory only; positions may be wrapped.
        restarts: complete restarts, the newest first.
    """

    frames: dict[int, MdFrame] = field(default_factory=dict)
    restarts: Iterable[Restart] = ()


class ExternalEngine(ABC):
    """A program that runs below ``work/`` of the run's folder.

    A sub-class says how a call is prepared, started, stopped, and read.

    Attributes:
        name: of the engine.
        inputs: files of a call that are kept as a record.
        repeats_restart: whether a call starts with the frame of the step of its restart.
        symptoms: messages of the program when it fails.
    """

    name: str
    inputs: tuple[str, ...] = ()
    repeats_restart = False
    symptoms: tuple[Symptom, ...] = ()

    @abstractmethod
    def check(self, spec: RunSpec, elements: tuple[str, ...]) -> None:
        """Refuse a run that cannot be computed here; see ``Engine``.

        Args:
            spec: the run.
            elements: symbols of the elements in its cell.
        """

    @abstractmethod
    def prepare(
        self, call: EngineCall, program_call: ProgramCall, restart: Path | None, *, to_step: int
    ) -> None:
        """Write the inputs of a program call.

        Args:
            call: the run, its target and its resources.
            program_call: folder in which the program will run, and its first MD step.
            restart: folder with the files of the restart; None for the start of the run.
            to_step: MD step of the last frame that is needed.

        Raises:
            EngineError: something that the program needs is missing.
        """

    @abstractmethod
    def program(self, spec: RunSpec) -> list[str]:
        """Give the program and its arguments, to be run in the folder of the call."""

    @abstractmethod
    def read_output(self, call: EngineCall, program_call: ProgramCall) -> ProgramOutput:
        """Read the frames and restarts of a call so far; leave out what is incomplete.

        Args:
            call: the run, its target and its resources.
            program_call: folder in which the program runs, and its first MD step.
        """

    @abstractmethod
    def request_stop(self, program_call: ProgramCall) -> None:
        """Ask the program to finish its step, write a restart and end."""

    def command(self, call: EngineCall) -> list[str]:
        """Put the program behind its launcher; several cores without one get ``mpirun``.

        Raises:
            EngineError: the program is not installed.
        """
        program = self.program(call.spec)
        launcher = list(call.resources.launcher)
        if not launcher and call.resources.cores > 1 and shutil.which("mpirun"):
            launcher = ["mpirun", "-np", str(call.resources.cores)]
        for needed in (launcher[:1], program[:1]):
            if needed and shutil.which(needed[0]) is None:
                raise EngineError("missing_binary", self.missing(needed[0]))
        return [*launcher, *program]

    def missing(self, program: str) -> str:
        """Say what to do where a program is missing."""
        return f"There is no program {program}; install it or load its module."

    def environment(self, call: EngineCall) -> dict[str, str]:
        """Set the program's environment: one thread a rank; Open MPI may run as root."""
        ranks = bool(call.resources.launcher) or shutil.which("mpirun") is not None
        threads = 1 if ranks else call.resources.cores
        own = {"OMP_NUM_THREADS": str(threads)}
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            own |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        return os.environ | own

    def advance(self, call: EngineCall) -> bool:
        """Advance a run from its checkpoint; see ``Engine``.

        Raises:
            EngineError: the program failed.
        """
        runner = _ProgramRunner.open(self, call)
        runner.collect()
        to_step = call.spec.protocol.steps_of(call.target_ps)
        while not runner.has_reached(to_step):
            if _is_ending(call):
                return False
            before = runner.trajectory.step
            status = runner.run(to_step)
            runner.collect()
            if runner.has_reached(to_step) or _is_ending(call):
                continue  # whatever its status: it was asked to end
            if status != 0 or runner.trajectory.step == before:
                raise diagnose(self.name, runner.output, status, self.symptoms)
        return True


@dataclass(slots=True, kw_only=True)
class _ProgramRunner:
    """Calls one program again and again and appends its frames to the trajectory.

    Attributes:
        engine: the program's engine.
        call: the run, its target and its resources.
        work: program calls and restarts.
        trajectory: frames and checkpoint on disk.
        guard: checks each frame.
        last_positions: shape (n, 3), Å; unwrapped positions of the last frame on disk.
        program_call: the latest call of the program.
    """

    engine: ExternalEngine
    call: EngineCall
    work: WorkFolder
    trajectory: CheckpointedTrajectory
    guard: Guard
    last_positions: NDArray[np.float64]
    program_call: ProgramCall | None

    @classmethod
    def open(cls, engine: ExternalEngine, call: EngineCall) -> _ProgramRunner:
        """Open the run at its checkpoint; end a program that a killed segment left running."""
        work = WorkFolder(call.folder.path / "work")
        trajectory = CheckpointedTrajectory.open(call)
        start = call.folder.atoms().get_positions()
        latest = work.latest_call()
        if latest is not None:
            kill_stale_process(latest.path)
        return cls(
            engine=engine,
            call=call,
            work=work,
            trajectory=trajectory,
            guard=Guard.for_call(call, energy_ev=trajectory.first_energy_ev),
            last_positions=np.asarray(
                trajectory.state.get("last_positions", start), dtype=np.float64
            ),
            program_call=latest,
        )

    @property
    def stride(self) -> int:
        """MD steps between two frames of the trajectory."""
        return self.call.spec.protocol.steps_per_frame

    @property
    def output(self) -> Path:
        """File with what the latest call has printed."""
        folder = self.program_call.path if self.program_call else self.work.path
        return folder / f"{self.engine.name}.out"

    def has_reached(self, to_step: int) -> bool:
        """Whether the trajectory holds the frame of a step."""
        return self.trajectory.frames > to_step // self.stride

    def collect(self) -> None:
        """Append the program's frames up to the newest restart without a gap before it.

        Raises:
            GuardTrippedError: a frame is out of bounds.
            OSError: the disk refuses.
        """
        if self.program_call is None:
            return
        output = self.engine.read_output(self.call, self.program_call)
        for restart in output.restarts:
            if restart.step <= self.trajectory.step:
                return
            if self._is_complete_to(output, restart.step):
                self._append(output, restart)
                return

    def _is_complete_to(self, output: ProgramOutput, step: int) -> bool:
        last = step - 1 if self.engine.repeats_restart else step
        first = self.trajectory.frames * self.stride
        return all(s in output.frames for s in range(first, last + 1, self.stride))

    def _append(self, output: ProgramOutput, restart: Restart) -> None:
        frames, last = [], self.last_positions
        first = self.trajectory.frames * self.stride
        for step in range(first, restart.step + 1, self.stride):
            if step not in output.frames:
                break  # the next call starts with it
            frame = _unwrap(output.frames[step], last)
            self.guard.check(frame)
            frames.append(frame)
            last = frame.positions
        files = restart.read_files()
        if not files:
            return  # replaced by the program meanwhile; there will be a newer one
        self.work.save_restart(restart.step, files)
        self.trajectory.commit(frames, step=restart.step, state={"last_positions": last})
        self.last_positions = last
        self.work.prune_restarts(restart.step)

    def run(self, to_step: int) -> int:
        """Call the program until it ends, the time is up or a stop is requested.

        Args:
            to_step: MD step of the last frame that is needed.

        Returns:
            Exit status of the program.

        Raises:
            EngineError: it cannot be started.
        """
        step = self.trajectory.step
        restart = self.work.find_restart(step)
        if restart is None and step > 0:
            raise EngineError(
                "missing_restart",
                f"{self.work.path} holds no restart of step {step}, from which the run must "
                "continue; restore the folder, or queue the run anew.",
            )
        self.program_call = self.work.start_call(step, keep=self.engine.inputs)
        self.engine.prepare(self.call, self.program_call, restart, to_step=to_step)
        command = self.engine.command(self.call)
        with self.output.open("ab") as output:
            try:
                process = subprocess.Popen(
                    command,
                    cwd=self.program_call.path,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # a Ctrl-C of the terminal is handled here
                    env=self.engine.environment(self.call),
                )
            except OSError as error:
                raise EngineError(
                    "cannot_start", f"{command[0]} cannot be started: {error.strerror}."
                ) from error
            return self._monitor(process, self.program_call)

    def _monitor(self, process: subprocess.Popen[bytes], program_call: ProgramCall) -> int:
        requested_s, collected_s = None, time.monotonic()
        try:
            record_process(program_call.path, process.pid)
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=POLL_INTERVAL_S)
                now = time.monotonic()
                if requested_s is None and _is_ending(self.call):
                    self.engine.request_stop(program_call)
                    requested_s = now
                elif requested_s is not None and now - requested_s > GRACE_S + notice_s(self.call):
                    _kill(process)
                elif now - collected_s > self.call.resources.checkpoint_s:
                    self.collect()
                    collected_s = now
        finally:
            if process.poll() is None:
                _kill(process)
        return int(process.returncode)


def notice_s(call: EngineCall) -> float:
    """Time before the limit at which a program is asked to stop, s."""
    return min(LONGEST_NOTICE_S, NOTICE_SHARE * call.resources.limit_s)


def _is_ending(call: EngineCall) -> bool:
    """Whether the segment is to end: on request, or because its time is nearly up."""
    return call.stop.is_set() or call.remaining_s <= notice_s(call)


def _unwrap(frame: MdFrame, before: NDArray[np.float64]) -> MdFrame:
    """Move each atom to its image nearest to its position in the frame before, (n, 3), Å."""
    moved = (frame.positions - before) @ np.linalg.inv(frame.cell)
    return replace(frame, positions=frame.positions - np.round(moved) @ frame.cell)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a program and all processes of its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
