"""Run an external program: call it, monitor it, and append its frames to the trajectory."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dualion.workflows.md.engines.base import EngineCall, EngineError
from dualion.workflows.md.engines.stale_processes import kill_stale_process, record_process
from dualion.workflows.md.engines.work_folder import ProgramCall, WorkFolder
from dualion.workflows.md.run.checkpointed_trajectory import CheckpointedTrajectory
from dualion.workflows.md.run.guards import Guard
from dualion.workflows.md.run.trajectory_file import MdFrame

if TYPE_CHECKING:
    from dualion.workflows.md.engines.external import ExternalEngine, ProgramOutput, Restart

POLL_INTERVAL_S = 1.0
GRACE_S = 60.0
"""How long a program may take to end after a stop request, s."""

NOTICE_SHARE, LONGEST_NOTICE_S = 0.05, 300.0
"""Share of the time limit, and most time, between the stop request and the limit, s: the program
finishes its present step and writes its restart."""


@dataclass(slots=True, kw_only=True)
class ProgramRunner:
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
    def open(cls, engine: ExternalEngine, call: EngineCall) -> ProgramRunner:
        """Open the run at its checkpoint; end a program that a killed segment left running.

        Args:
            engine: the program's engine.
            call: the run, its target and its resources.

        Raises:
            EngineError: the checkpoint or the trajectory is damaged.
        """
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
                if requested_s is None and is_ending(self.call):
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


def is_ending(call: EngineCall) -> bool:
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
