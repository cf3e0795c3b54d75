"""Engines that are programs of their own: prepare a folder, give the command, read the output.

A program runs below ``work/`` of the run's folder and is monitored from outside: at every
checkpoint the frames it has written so far are appended to the run's trajectory, so that a kill
costs no more than the steps since its last restart.
"""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dualion.workflows.execution.threads import thread_environment
from dualion.workflows.md.engines.base import EngineCall, EngineError
from dualion.workflows.md.engines.diagnostics import Symptom, diagnose
from dualion.workflows.md.engines.program_runner import ProgramRunner, is_ending
from dualion.workflows.md.engines.work_folder import ProgramCall
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.run.trajectory_file import MdFrame


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
        own = thread_environment(threads)
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            own |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        return os.environ | own

    def advance(self, call: EngineCall) -> bool:
        """Advance a run from its checkpoint; see ``Engine``.

        Raises:
            EngineError: the program failed.
        """
        runner = ProgramRunner.open(self, call)
        runner.collect()
        to_step = call.spec.protocol.steps_of(call.target_ps)
        while not runner.has_reached(to_step):
            if is_ending(call):
                return False
            before = runner.trajectory.step
            status = runner.run(to_step)
            runner.collect()
            if runner.has_reached(to_step) or is_ending(call):
                continue  # whatever its status: it was asked to end
            if status != 0 or runner.trajectory.step == before:
                raise diagnose(self.name, runner.output, status, self.symptoms)
        return True
