"""Any ASE calculator as an engine, in this process: machine-learned potentials above all."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dualion.workflows.execution.threads import limit_threads
from dualion.workflows.md.engines.base import EngineCall, EngineError
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.run.checkpointed_trajectory import CheckpointedTrajectory
from dualion.workflows.md.run.guards import Guard
from dualion.workflows.md.run.thermostats import Dynamics, instantaneous_temperature_k
from dualion.workflows.md.run.trajectory_file import MdFrame
from dualion.workflows.potentials.load import make_calculator, require_elements
from dualion.workflows.potentials.remote import PotentialDiedError

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

MOST_BUFFERED_FRAMES = 200
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
    _calculators: dict[tuple[str | None, str | None], Calculator] = field(default_factory=dict)

    def check(self, spec: RunSpec, elements: tuple[str, ...]) -> None:
        """Make the calculator; see ``Engine``.

        Args:
            spec: the run.
            elements: symbols of the elements in its cell.

        Raises:
            InputError: the calculator cannot be made, or was not trained on an element.
        """
        if spec.model_path is None:
            require_elements(self.name, elements)
        self.calculator(spec)

    def advance(self, call: EngineCall) -> bool:
        """Advance a run from its checkpoint; see ``Engine``."""
        trajectory = CheckpointedTrajectory.open(call)
        to_step = call.spec.protocol.steps_of(call.target_ps)
        if trajectory.step >= to_step:
            return True
        atoms = call.folder.atoms()
        limit_threads(call.resources.cores)
        atoms.calc = self.calculator(call.spec)
        limit_threads(call.resources.cores)  # torch may have been imported for it
        guard = Guard.for_call(call, energy_ev=trajectory.first_energy_ev)
        return self._integrate(call, trajectory, Dynamics(atoms, call.spec), guard, to_step)

    def _integrate(
        self,
        call: EngineCall,
        trajectory: CheckpointedTrajectory,
        dynamics: Dynamics,
        guard: Guard,
        to_step: int,
    ) -> bool:
        buffered: list[MdFrame] = []
        if trajectory.state:
            dynamics.resume(trajectory.state)
        else:
            dynamics.start()
            buffered.append(self._take_frame(call, dynamics, 0, guard))
        step, saved_s = trajectory.step, time.monotonic()
        stride = call.spec.protocol.steps_per_frame
        while step < to_step:
            self._run_steps(dynamics, stride, step)
            step += stride
            buffered.append(self._take_frame(call, dynamics, step, guard))
            now = time.monotonic()
            ending = call.stop.is_set() or call.remaining_s <= 0.0
            due = now - saved_s > call.resources.checkpoint_s
            due |= len(buffered) >= MOST_BUFFERED_FRAMES
            if ending or due or step >= to_step:
                trajectory.commit(buffered, step=step, state=dynamics.state())
                buffered, saved_s = [], now
            if ending:
                break
        return step >= to_step

    def _run_steps(self, dynamics: Dynamics, count: int, step: int) -> None:
        """Integrate some steps; a calculator that raises ends the run with its own message."""
        try:
            dynamics.run(count)
        except (KeyboardInterrupt, MemoryError, PotentialDiedError):
            raise
        except Exception as error:
            raise EngineError(
                "engine_stopped",
                f"The calculator {self.name} failed after step {step} "
                f"({type(error).__name__}: {error}).",
            ) from error

    def _take_frame(self, call: EngineCall, dynamics: Dynamics, step: int, guard: Guard) -> MdFrame:
        atoms = dynamics.atoms
        frame = MdFrame(
            step=step,
            time_ps=step * call.spec.protocol.timestep_fs / 1000.0,
            positions=atoms.get_positions(),
            cell=np.array(atoms.cell),
            energy_ev=float(atoms.get_potential_energy()),
            temperature_k=instantaneous_temperature_k(atoms),
        )
        guard.check(frame)
        return frame

    def calculator(self, spec: RunSpec) -> Calculator:
        """Make the calculator of a run, once for each model file and environment.

        Args:
            spec: the run.

        Raises:
            InputError: it cannot be made.
        """
        kind = (spec.model_path, spec.python)
        if kind not in self._calculators:
            self._calculators[kind] = make_calculator(
                self.name, model_path=spec.model_path, device=self.device, python=spec.python
            )
        return self._calculators[kind]
