"""Any ASE calculator as an engine, in this process: machine-learned potentials above all."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dualion.workflows.execution.threads import LIBRARY_THREADS
from dualion.workflows.md.engines.base import EngineError, Leg
from dualion.workflows.md.engines.calculators import make_calculator
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.run.checkpointed_trajectory import JoinedTrajectory
from dualion.workflows.md.run.guards import Guard
from dualion.workflows.md.run.thermostats import Dynamics, temperature_of
from dualion.workflows.md.run.trajectory_file import MdFrame

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

FRAMES_HELD = 200
"""Most frames between two checkpoints."""


@dataclass(slots=True)
class AseEngine:
    """MD with an ASE calculator.

    Attributes:
        name: as ``make_calculator`` takes it.
        device: auto, cpu or cuda.
    """

    name: str
    device: str = "auto"
    _made: dict[str | None, Calculator] = field(default_factory=dict)

    def check(self, spec: RunSpec, elements: tuple[str, ...]) -> None:
        """Make the calculator; see ``Engine``."""
        self._calculator(spec)

    def advance(self, leg: Leg) -> bool:
        """Go on from the checkpoint; see ``Engine``."""
        joined = JoinedTrajectory.open(leg)
        to_step = leg.spec.protocol.steps_of(leg.target_ps)
        if joined.step >= to_step:
            return True
        atoms = leg.folder.atoms()
        atoms.calc = self._calculator(leg.spec)
        limit_threads(leg.resources.cores)
        guard = Guard.of(leg, energy_ev=joined.first_energy_ev)
        return self._move(leg, joined, Dynamics(atoms, leg.spec), guard, to_step)

    def _move(
        self, leg: Leg, joined: JoinedTrajectory, dynamics: Dynamics, guard: Guard, to_step: int
    ) -> bool:
        held: list[MdFrame] = []
        if joined.state:
            dynamics.resume(joined.state)
        else:
            dynamics.start()
            held.append(self._frame(leg, dynamics, 0, guard))
        step, saved = joined.step, time.monotonic()
        stride = leg.spec.protocol.steps_per_frame
        while step < to_step:
            self._steps(dynamics, stride, step)
            step += stride
            held.append(self._frame(leg, dynamics, step, guard))
            now = time.monotonic()
            ending = leg.stop.is_set() or leg.left_s <= 0.0
            due = now - saved > leg.resources.checkpoint_s or len(held) >= FRAMES_HELD
            if ending or due or step >= to_step:
                joined.commit(held, step=step, state=dynamics.state())
                held, saved = [], now
            if ending:
                break
        return step >= to_step

    def _steps(self, dynamics: Dynamics, count: int, step: int) -> None:
        """Move on; a calculator that raises ends the run with its own words."""
        try:
            dynamics.run(count)
        except (KeyboardInterrupt, MemoryError):
            raise
        except Exception as error:
            raise EngineError(
                "engine_stopped",
                f"The calculator {self.name} failed after step {step} "
                f"({type(error).__name__}: {error}).",
            ) from error

    def _frame(self, leg: Leg, dynamics: Dynamics, step: int, guard: Guard) -> MdFrame:
        atoms = dynamics.atoms
        frame = MdFrame(
            step=step,
            time_ps=step * leg.spec.protocol.timestep_fs / 1000.0,
            positions=atoms.get_positions(),
            cell=np.array(atoms.cell),
            energy_ev=float(atoms.get_potential_energy()),
            temperature_k=temperature_of(atoms),
        )
        guard.check(frame)
        return frame

    def _calculator(self, spec: RunSpec) -> Calculator:
        if spec.model_path not in self._made:
            self._made[spec.model_path] = make_calculator(
                self.name, model_path=spec.model_path, device=self.device
            )
        return self._made[spec.model_path]


def limit_threads(cores: int) -> None:
    """Keep torch to the cores of the piece; several pieces share a machine."""
    import os
    import sys

    os.environ.update(dict.fromkeys(LIBRARY_THREADS, str(cores)))  # numba refuses a change
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(cores)
