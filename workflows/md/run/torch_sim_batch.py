"""Run several MD runs as one batch on one device, each with its own files.

Each run goes through ``run_segment`` as it would alone: its thermostat, trajectory, checkpoints,
guards, assessment, second attempt and ending are the same code, and a run may continue alone from
a checkpoint of a batch, or the other way round. Only the forces come from one torch-sim call for
all active runs.

Reproducibility: a checkpoint holds the whole state of the run's thermostat and of its random
numbers, and the noise of a run does not depend on the other runs of the batch. So a run in
segments equals an unbroken one bit for bit where the potential gives a cell the same bits in any
batch, as a pair potential on the CPU can. Neural network potentials sum in an order that depends
on the batch (and on a GPU on chance): their forces differ in the last digits, and trajectories
diverge as those of any chaotic motion do. Their averages agree.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dualion.structures.errors import InputError
from dualion.workflows.execution.threads import limit_threads
from dualion.workflows.md.engines.ase_engine import AseEngine
from dualion.workflows.md.engines.base import Engine, EngineCall, Resources
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.run.force_batcher import BatchedCalculator, ForceBatcher
from dualion.workflows.md.run.guards import Guard
from dualion.workflows.md.run.run_folder import Progress, RunFolder
from dualion.workflows.md.run.segment import run_segment
from dualion.workflows.md.run.thermostats import Dynamics
from dualion.workflows.md.run.trajectory_file import MdFrame
from dualion.workflows.potentials.batch import (
    BatchModel,
    check_parity,
    make_model,
    require_finite,
)
from dualion.workflows.potentials.load import make_calculator

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

    from dualion.workflows.potentials.standalone.batches import EnergyAndForces


class SegmentFunction(Protocol):
    """``run_segment``, or a function that wraps it."""

    def __call__(
        self,
        path: Path,
        resources: Resources,
        *,
        stop: threading.Event | None = None,
        device: str = "auto",
        job: str = "",
        engine: Engine | None = None,
    ) -> Progress:
        """Compute one segment of a run."""
        ...


def run_batch(
    paths: Sequence[Path],
    resources: Resources,
    *,
    stop: threading.Event | None = None,
    device: str = "auto",
    job: str = "",
    segment: SegmentFunction = run_segment,
) -> list[Progress]:
    """Advance several runs together from their checkpoints.

    They must have the same engine and model file; cells, temperatures, seeds, thermostats and time
    steps may differ. A run that ends leaves the batch and the others continue; while one is being
    analysed they wait. Computing costs are shared evenly by the active runs.

    Args:
        paths: the runs' folders.
        resources: resources of all of them together.
        stop: once set, each run writes a checkpoint and leaves.
        device: auto, cpu or cuda.
        job: number in the batch system's queue.
        segment: computes a segment of one run; the stop event that it gets is the run's own, and
            setting it does not stop the others.

    Returns:
        Progress of each run, in the order of the paths: paused, done or failed.

    Raises:
        InputError: the runs cannot be one batch; nothing has started. Or a folder holds no run, or
            another process has one: the other runs have been computed by then.
    """
    model = _SharedModel.for_runs([RunFolder(path) for path in paths], device)
    stop = stop or threading.Event()
    batcher = ForceBatcher(model, len(paths))
    found: dict[int, Progress] = {}
    errors: dict[int, BaseException] = {}

    def work(index: int) -> None:
        engine = _BatchedEngine(model, batcher, index)
        with batcher.join_run():
            try:
                found[index] = segment(
                    paths[index],
                    resources,
                    stop=_RunStop(stop),
                    device=device,
                    job=job,
                    engine=engine,
                )
            except BaseException as error:  # the thread's end; raised again below
                errors[index] = error

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(paths))]
    limit_threads(resources.cores)  # each thread has a limit of its own, and this one computes
    for thread in threads:
        thread.start()
    batcher.serve(stop)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[min(errors)]
    return [found[index] for index in range(len(paths))]


class _RunStop(threading.Event):
    """Stop event of one run; it also counts as set once the batch is to stop.

    Args:
        batch_stop: stop event of the whole batch.
    """

    def __init__(self, batch_stop: threading.Event) -> None:
        super().__init__()
        self._batch_stop = batch_stop

    def is_set(self) -> bool:
        """Whether this run is to stop."""
        return super().is_set() or self._batch_stop.is_set()


class _SharedModel:
    """The potential of a batch, loaded and checked when the first run needs it.

    Args:
        folders: of the runs.
        engine: name of the engine.
        model_path: file of the potential's parameters.
        device: auto, cpu or cuda.
    """

    def __init__(
        self, folders: Sequence[RunFolder], engine: str, model_path: str | None, device: str
    ) -> None:
        self.engine, self.model_path, self.device = engine, model_path, device
        self._folders = folders
        self._model: BatchModel | None = None

    @classmethod
    def for_runs(cls, folders: Sequence[RunFolder], device: str) -> _SharedModel:
        """Take the potential that all runs name.

        Args:
            folders: of the runs.
            device: auto, cpu or cuda.

        Raises:
            InputError: they name several, or none.
        """
        specs = [folder.spec() for folder in folders]
        kinds = {(spec.engine, spec.model_path) for spec in specs}
        if len(kinds) != 1:
            named = ", ".join(sorted({engine for engine, _ in kinds})) or "none"
            raise InputError(
                "The runs of a batch need one engine and one model file; these have "
                f"{len(kinds)} ({named}). Run them without a batch."
            )
        return cls(folders, *kinds.pop(), device)

    def load(self) -> BatchModel:
        """Load the model once, and check that it agrees with the potential's ASE calculator.

        Raises:
            InputError: it cannot be made, or does not agree; see ``check_parity``.
        """
        if self._model is None:
            path, device = self.model_path, self.device
            model = make_model(self.engine, model_path=path, device=device)
            cells = [folder.atoms() for folder in self._folders]
            check_parity(model, self.engine, cells, model_path=path, device=device)
            self._model = model
        return self._model

    def __call__(self, cells: Sequence[Atoms]) -> list[EnergyAndForces]:
        """Compute energies and forces of cells."""
        return self.load()(cells)

    def verify(self, cell: Atoms, result: EnergyAndForces) -> None:
        """Verify the result of one cell of a batch.

        Raises:
            BatchNotFiniteError: it is not finite, and that of the cell alone is.
        """
        require_finite(self.engine, [cell], [result], self._make_calculator)

    def _make_calculator(self) -> Calculator:
        return make_calculator(self.engine, model_path=self.model_path, device=self.device)


class _BatchedEngine(AseEngine):
    """The engine of one run of a batch.

    Args:
        model: the batch's potential.
        batcher: collects the force requests.
        index: of this run in the batch.
    """

    def __init__(self, model: _SharedModel, batcher: ForceBatcher, index: int) -> None:
        AseEngine.__init__(self, model.engine, model.device)
        self._model, self._batcher, self._index = model, batcher, index

    def calculator(self, spec: RunSpec) -> Calculator:
        """Load the batch's potential; the calculator asks the batcher.

        Args:
            spec: the run.
        """
        self._model.load()
        return BatchedCalculator(self._batcher, self._index, self._model.verify)

    def _take_frame(self, call: EngineCall, dynamics: Dynamics, step: int, guard: Guard) -> MdFrame:
        call.sharing_runs = self._batcher.last_batch_size
        return AseEngine._take_frame(self, call, dynamics, step, guard)
