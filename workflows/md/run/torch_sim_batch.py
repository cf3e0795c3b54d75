"""``run_batch``: several runs as one batch on one device, each with its own bookkeeping.

Each run goes through ``run_piece`` as it would alone: its thermostat, trajectory, checkpoints,
guards, assessment, second attempt and ending are the same code, and a run may go on alone from a
checkpoint that a batch has left, or the other way round. Only the forces come from one torch-sim
call for all runs that are left.

What is exact: a checkpoint holds the whole state of the run's thermostat and of its random
numbers, and a run's noise does not depend on its neighbours in the batch. So a run in pieces
equals an unbroken one bit for bit where the potential gives a cell the same bits in any batch, as
a pair potential on the CPU can. Potentials of neural networks sum in an order that depends on the
batch (and on a GPU on chance): their forces differ in the last digits, and trajectories part as
those of any chaotic motion do. Their averages are the same.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dualion.structures.errors import InputError
from dualion.workflows.md.engines.ase_engine import AseEngine, limit_threads
from dualion.workflows.md.engines.base import Engine, Leg, Resources
from dualion.workflows.md.engines.torch_sim_models import BatchModel, check_parity, make_model
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.run.force_batcher import Meeting, MeetingCalculator
from dualion.workflows.md.run.guards import Guard
from dualion.workflows.md.run.run_folder import Progress, RunFolder
from dualion.workflows.md.run.segment import run_piece
from dualion.workflows.md.run.thermostats import Dynamics
from dualion.workflows.md.run.trajectory_file import MdFrame

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

    from dualion.workflows.md.engines.torch_sim_models import Answer


class Piece(Protocol):
    """``run_piece``, or what wraps it."""

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
        """Take one run as far as the time allows."""
        ...


def run_batch(
    paths: Sequence[Path],
    resources: Resources,
    *,
    stop: threading.Event | None = None,
    device: str = "auto",
    job: str = "",
    piece: Piece = run_piece,
) -> list[Progress]:
    """Take several runs from their checkpoints as far as the time limit allows, together.

    They must have the same engine and model file; cells, temperatures, seeds, thermostats and time
    steps may differ. A run that ends leaves the batch and the others go on; while one is being
    analysed they wait. Computing costs are shared evenly by the runs that are left.

    Args:
        paths: the runs' folders.
        resources: what all of them together may use.
        stop: once it is set, each run is brought to a checkpoint and left.
        device: auto, cpu or cuda.
        job: number in the batch system's queue.
        piece: what takes one run on; the stop that it is given is the run's own, and setting it
            does not stop the others.

    Returns:
        How each run stands, in the order of the paths: paused, done or failed.

    Raises:
        InputError: the runs cannot be one batch; nothing has begun. Or there is no run in a
            folder, or another process has one: the other runs have been worked off by then.
    """
    shared = _Shared.of([RunFolder(path) for path in paths], device)
    stop = stop or threading.Event()
    meeting = Meeting(shared, len(paths))
    found: dict[int, Progress] = {}
    errors: dict[int, BaseException] = {}

    def work(place: int) -> None:
        engine = _Member(shared, meeting, place)
        with meeting.member():
            try:
                found[place] = piece(
                    paths[place],
                    resources,
                    stop=_OwnStop(stop),
                    device=device,
                    job=job,
                    engine=engine,
                )
            except BaseException as error:  # the thread's end; raised again below
                errors[place] = error

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(paths))]
    limit_threads(resources.cores)  # each thread has a limit of its own, and this one computes
    for thread in threads:
        thread.start()
    meeting.serve(stop)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[min(errors)]
    return [found[place] for place in range(len(paths))]


class _OwnStop(threading.Event):
    """Stop of one run; it is set, too, once all are asked to stop.

    Args:
        common: of the whole batch.
    """

    def __init__(self, common: threading.Event) -> None:
        super().__init__()
        self._common = common

    def is_set(self) -> bool:
        """Whether this run is to stop."""
        return super().is_set() or self._common.is_set()


class _Shared:
    """The potential of a batch, made and checked when the first run needs it.

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
    def of(cls, folders: Sequence[RunFolder], device: str) -> _Shared:
        """The one that all runs name.

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

    def made(self) -> BatchModel:
        """The model, which has shown to agree with the potential's ASE calculator.

        Raises:
            InputError: it cannot be made, or does not agree; see ``torch_sim_models``.
        """
        if self._model is None:
            path, device = self.model_path, self.device
            model = make_model(self.engine, model_path=path, device=device)
            cells = [folder.atoms() for folder in self._folders]
            check_parity(model, self.engine, cells, model_path=path, device=device)
            self._model = model
        return self._model

    def __call__(self, cells: Sequence[Atoms]) -> list[Answer]:
        """Energies and forces of cells."""
        return self.made()(cells)


class _Member(AseEngine):
    """The engine of one run of a batch.

    Args:
        shared: the batch's potential.
        meeting: where the runs meet.
        place: of this run in the batch.
    """

    def __init__(self, shared: _Shared, meeting: Meeting, place: int) -> None:
        AseEngine.__init__(self, shared.engine, shared.device)
        self._shared, self._meeting, self._place = shared, meeting, place

    def _calculator(self, spec: RunSpec) -> Calculator:
        self._shared.made()
        return MeetingCalculator(self._meeting, self._place)

    def _frame(self, leg: Leg, dynamics: Dynamics, step: int, guard: Guard) -> MdFrame:
        leg.shared_by = self._meeting.together
        return AseEngine._frame(self, leg, dynamics, step, guard)
