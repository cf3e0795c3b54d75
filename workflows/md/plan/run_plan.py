"""From structures to runs: cells, temperatures, replicas, seeds; what that costs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dualion.results.store import MdRun
from dualion.structures.errors import DualionError, InputError
from dualion.workflows.md.engines import engine_named
from dualion.workflows.md.plan.cells import StartCell, start_cells
from dualion.workflows.md.plan.config import MdBlock
from dualion.workflows.md.plan.protocol import MdProtocol
from dualion.workflows.md.plan.selection import Skipped, Subject, symbol_of
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.states import RunState

SECONDS_PER_ATOM_STEP = {
    "chgnet": 1.4e-3,
    "mace": 2e-3,
    "sevennet": 2e-3,
    "mattersim": 2e-3,
    "orb": 1e-3,
    "cp2k": 0.15,
    "vasp": 0.15,
}
"""Computing time of one MD step, s per atom, on one core (CHGNet 0.9 to 1.8 ms, CP2K with a DZVP
basis on two: measured); the others are guesses until runs of the folder tell."""

BYTES_PER_ATOM_FRAME = 16.0
"""Size of a kept frame after compression, bytes per atom."""

BYTES_BESIDE = 3_000_000.0
"""Figures, tables and checkpoint of a run, bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One run to be.

    Attributes:
        spec: what it is.
        cell: where it starts.
    """

    spec: RunSpec
    cell: StartCell

    def steps(self, *, most: bool) -> int:
        """MD steps of the planned production, or at most."""
        protocol = self.spec.protocol
        length = protocol.budget_ps if most else protocol.production_ps
        return protocol.steps_of(protocol.equilibration_ps + length)

    def record(self) -> MdRun:
        """The run as the store will know it."""
        spec = self.spec
        return MdRun(
            key=spec.key,
            structure_key=spec.structure_key,
            source_id=spec.source_id,
            formula=spec.formula,
            cation=spec.cation,
            anion=spec.anion,
            cell=spec.cell,
            engine=spec.engine,
            temperature_k=spec.temperature_k,
            replica=spec.replica,
            place=spec.place,
            spec=spec.model_dump(mode="json"),
            state=RunState.PLANNED.value,
        )


@dataclass(slots=True, kw_only=True)
class Plan:
    """Runs to be, and what is left out."""

    runs: list[PlannedRun] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


Check = Callable[[RunSpec, tuple[str, ...]], None]


def engine_check(name: str) -> Check:
    """Asks an engine whether it can do a run; a set of elements is asked about once.

    Raises:
        InputError: there is no such engine.
    """
    engine = engine_named(name)
    answers: dict[tuple[str, ...], InputError | None] = {}

    def check(spec: RunSpec, elements: tuple[str, ...]) -> None:
        if elements not in answers:
            try:
                engine.check(spec, elements)
                answers[elements] = None
            except InputError as error:
                answers[elements] = error
        refusal = answers[elements]
        if refusal is not None:
            raise refusal

    return check


def plan_runs(
    subjects: Iterable[Subject],
    block: MdBlock,
    *,
    cells: Sequence[StartCell] = (),
    check: Check | None = None,
) -> Plan:
    """The runs of some structures.

    Args:
        subjects: structures.
        block: how they are run.
        cells: cells to start from, in place of those that the block asks for.
        check: asks the engine; None for the engine itself.

    Raises:
        InputError: the engine is unknown or its protocol makes no sense.
    """
    protocol = block.protocol.protocol()
    ask = check or engine_check(block.engine)
    plan = Plan()
    for subject in subjects:
        try:
            made = list(cells) or list(_cells_of(subject, block))
            runs = [run for cell in made for run in _runs(subject, cell, block, protocol)]
            for run in {run.cell.elements: run for run in runs}.values():
                ask(run.spec, run.cell.elements)
        except DualionError as error:
            plan.skipped.append(Skipped(source_id=subject.source_id, message=str(error)))
            continue
        plan.runs += runs
    return plan


def _cells_of(subject: Subject, block: MdBlock) -> Iterable[StartCell]:
    return start_cells(
        subject.crystal,
        cation=symbol_of(subject.cation),
        anion=symbol_of(subject.anion),
        block=block,
    )


def _runs(
    subject: Subject, cell: StartCell, block: MdBlock, protocol: MdProtocol
) -> Iterable[PlannedRun]:
    path = str(Path(block.model_path).expanduser().resolve()) if block.model_path else None
    for temperature in protocol.temperatures_k:
        for replica in range(1, protocol.replicas + 1):
            parts = (block.seed, subject.structure_key, cell.name, temperature, replica)
            digest = hashlib.sha256(repr(parts).encode()).hexdigest()
            spec = RunSpec(
                structure_key=subject.structure_key,
                source_id=subject.source_id,
                formula=subject.formula,
                cation=subject.cation,
                anion=subject.anion,
                cell=cell.name,
                cell_sha256=cell.sha256,
                charges_e=cell.charges_e,
                engine=block.engine,
                model_path=path,
                settings=block.settings,
                temperature_k=temperature,
                replica=replica,
                seed=int(digest[:8], 16) % 2**31,
                protocol=protocol.model_copy(
                    update={"temperatures_k": (temperature,), "replicas": 1}
                ),
            )
            yield PlannedRun(spec=spec, cell=cell)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What runs will cost.

    Attributes:
        seconds: computing time on the resources of one run, s; NaN where nobody knows.
        disk_bytes: size of all they leave, bytes.
        measured: whether the speed was measured in this folder.
    """

    seconds: float
    disk_bytes: float
    measured: bool


def estimate(
    runs: Iterable[PlannedRun], *, speeds: dict[str, float] | None = None, most: bool = False
) -> Estimate:
    """Cost of the planned productions, or at most.

    Args:
        runs: planned runs.
        speeds: engine → s per atom and step, where it was measured.
        most: up to the budgets.
    """
    seconds, size, measured = 0.0, 0.0, bool(speeds)
    for run in runs:
        steps, engine = run.steps(most=most), run.spec.engine
        speed = (speeds or {}).get(engine)
        measured &= speed is not None
        each = SECONDS_PER_ATOM_STEP.get(engine, float("nan")) if speed is None else speed
        seconds += each * steps * run.cell.n_atoms
        frames = steps / run.spec.protocol.steps_per_frame
        size += frames * run.cell.n_atoms * BYTES_PER_ATOM_FRAME + BYTES_BESIDE
    return Estimate(seconds=seconds, disk_bytes=size, measured=measured)
