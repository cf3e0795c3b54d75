"""Engines that are programs of their own: prepare a folder, say the command, read back."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from workflows.md.engines.base import EngineError, Leg
from workflows.md.guards import Guard
from workflows.md.joined import JoinedTrajectory
from workflows.md.spec import RunSpec
from workflows.md.trajectory_file import MdFrame

LOOK_EVERY_S = 1.0
GRACE_S = 60.0
"""How long a program may take to end after it was asked to, s."""


class ExternalEngine(ABC):
    """A program that runs in ``work/`` below the run's folder and is followed from outside.

    A sub-class says how a piece is prepared, started, asked to stop, and read back. Reading back
    is called before each piece too, so that what a killed piece left is not lost.
    """

    name: str
    work = "work"

    @abstractmethod
    def check(self, spec: RunSpec, elements: tuple[str, ...]) -> None:
        """Refuse what cannot run here; see ``Engine``."""

    @abstractmethod
    def prepare(self, leg: Leg, folder: Path, *, from_step: int, to_step: int) -> None:
        """Write the inputs of the next piece into ``folder``: from a step's restart, or anew.

        Args:
            leg: the call.
            folder: where the program will run.
            from_step: step of the last restart; 0 for the start.
            to_step: step at which the piece ends.
        """

    @abstractmethod
    def command(self, leg: Leg) -> list[str]:
        """The program and its arguments, to be run in the folder."""

    @abstractmethod
    def read_back(self, leg: Leg, folder: Path, *, after_step: int) -> tuple[list[MdFrame], int]:
        """What the program has left so far.

        Returns:
            Kept frames with a step above ``after_step`` and up to the restart's, and the step of
            the newest sound restart (``after_step`` where there is none).

        Raises:
            EngineError: its output is damaged.
        """

    def ask_to_stop(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        """Ask the program to write a restart and end."""
        process.send_signal(signal.SIGTERM)

    def explain(self, folder: Path, status: int) -> EngineError:
        """Why the program ended with an error, from its output."""
        return EngineError(
            "engine_stopped",
            f"{self.name} ended with status {status}; its output is in {folder}.",
        )

    def advance(self, leg: Leg) -> bool:
        """Go on from the checkpoint; see ``Engine``."""
        folder = leg.folder.path / self.work
        folder.mkdir(exist_ok=True)
        joined = JoinedTrajectory.open(leg)
        guard = Guard.of(leg, energy_ev=joined.first_energy_ev)
        self._take(leg, folder, joined, guard)
        to_step = leg.spec.protocol.steps_of(leg.target_ps)
        while joined.step < to_step:
            if leg.stop.is_set() or leg.left_s <= 0.0:
                return False
            before = joined.step
            self.prepare(leg, folder, from_step=joined.step, to_step=to_step)
            status = self._run(leg, folder)
            self._take(leg, folder, joined, guard)
            if joined.step >= to_step or leg.stop.is_set() or leg.left_s <= 0.0:
                continue
            if status != 0 or joined.step == before:
                raise self.explain(folder, status)
        return True

    def _take(self, leg: Leg, folder: Path, joined: JoinedTrajectory, guard: Guard) -> None:
        """Join what the program has left."""
        frames, step = self.read_back(leg, folder, after_step=joined.step)
        for frame in frames:
            guard.check(frame)
        joined.commit(frames, step=step)

    def _run(self, leg: Leg, folder: Path) -> int:
        """Run the program until it ends, the time is up or a stop is asked for."""
        output = (folder / f"{self.name}.out").open("ab")
        with output:
            try:
                process = subprocess.Popen(
                    self.command(leg),
                    cwd=folder,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # a Ctrl-C of the terminal is ours to handle
                    env=self.environment(leg),
                )
            except FileNotFoundError as error:
                raise EngineError(
                    "missing_binary",
                    f"There is no program {error.filename}; install it or load its module.",
                ) from error
            return self._follow(process, leg, folder)

    def environment(self, leg: Leg) -> dict[str, str]:
        """Environment of the program."""
        return os.environ | {"OMP_NUM_THREADS": "1"}

    def _follow(self, process: subprocess.Popen[bytes], leg: Leg, folder: Path) -> int:
        asked_at: float | None = None
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=LOOK_EVERY_S)
                if asked_at is None and (leg.stop.is_set() or leg.left_s <= 0.0):
                    self.ask_to_stop(process, folder)
                    asked_at = time.monotonic()
                elif asked_at is not None and time.monotonic() - asked_at > GRACE_S:
                    _kill(process)
        finally:
            if process.poll() is None:
                _kill(process)
        return int(process.returncode)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a program and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def words(items: Sequence[str]) -> str:
    """Names in a sentence."""
    return ", ".join(items)
