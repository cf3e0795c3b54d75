"""Plan runs of structures: cells, temperatures, replicas, seeds; estimate their cost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dualion.results.store import MdRun
from dualion.structures.errors import DualionError, InputError
from dualion.workflows.md.engines import Engine, make_engine
from dualion.workflows.md.plan.cells import SALT, StartCell, make_start_cells
from dualion.workflows.md.plan.config import MdBlock
from dualion.workflows.md.plan.protocol import MdProtocol
from dualion.workflows.md.plan.selection import SelectedStructure, Skipped, symbol_of
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.plan.speeds import Source, Speeds
from dualion.workflows.md.states import RunState

BYTES_PER_ATOM_FRAME = 16.0
"""Size of a frame after compression, bytes per atom."""

BYTES_BESIDE = 3_000_000.0
"""Figures, tables and checkpoint of a run, bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """A planned run.

    Attributes:
        spec: its specification.
        cell: its starting cell.
    """

    spec: RunSpec
    cell: StartCell

    def steps(self, *, most: bool) -> int:
        """MD steps of the planned production, or of the budget where ``most`` is set."""
        protocol = self.spec.protocol
        length = protocol.budget_ps if most else protocol.production_ps
        return protocol.steps_of(protocol.equilibration_ps + length)

    def record(self) -> MdRun:
        """Make the record of the run in the store."""
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
    """Planned runs, and the structures that are skipped."""

    runs: list[PlannedRun] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


Check = Callable[[RunSpec, tuple[str, ...]], None]


@dataclass(slots=True)
class EngineChecks:
    """Asks engines about runs, once for each set of elements.

    Attributes:
        device: for ASE calculators: auto, cpu or cuda.
    """

    device: str = "auto"
    _engines: dict[str, Engine] = field(default_factory=dict)
    _answers: dict[tuple[str, tuple[str, ...]], InputError | None] = field(default_factory=dict)

    def engine(self, name: str) -> Engine:
        """Find an engine by its name; it is made once.

        Args:
            name: of the engine.

        Raises:
            InputError: there is no such engine.
        """
        if name not in self._engines:
            self._engines[name] = make_engine(name, device=self.device)
        return self._engines[name]

    def __call__(self, spec: RunSpec, elements: tuple[str, ...]) -> None:
        """Ask the engine of a run.

        Args:
            spec: the run.
            elements: symbols of the elements in its cell.

        Raises:
            InputError: it cannot be computed here; says what to do.
        """
        asked = (spec.engine, elements)
        if asked not in self._answers:
            try:
                self.engine(spec.engine).check(spec, elements)
                self._answers[asked] = None
            except InputError as error:
                self._answers[asked] = error
        refusal = self._answers[asked]
        if refusal is not None:
            raise refusal


def plan_runs(
    selection: Iterable[SelectedStructure],
    block: MdBlock,
    *,
    cells: Sequence[StartCell] = (),
    check: Check | None = None,
) -> Plan:
    """Plan the runs of some structures.

    Args:
        selection: the structures.
        block: cells, protocol, engine.
        cells: starting cells that replace those of the block.
        check: refuses what cannot run; None for the engine's own check.

    Raises:
        InputError: the engine is unknown or its protocol invalid.
    """
    protocol = block.protocol.protocol()
    ask = check or EngineChecks()
    for name in block.engines:
        make_engine(name)  # an unknown one ends the plan, not each structure
    plan = Plan()
    for selected in selection:
        try:
            made = list(cells) or list(_make_cells(selected, block))
            runs = [
                run
                for engine in block.engines
                for cell in made
                for run in _make_runs(selected, cell, block.for_engine(engine), protocol)
            ]
            for run in {(run.spec.engine, run.cell.elements): run for run in runs}.values():
                ask(run.spec, run.cell.elements)
        except DualionError as error:
            plan.skipped.append(Skipped(source_id=selected.source_id, message=str(error)))
            continue
        plan.runs += runs
    return plan


def _make_cells(selected: SelectedStructure, block: MdBlock) -> Iterable[StartCell]:
    """Make the cells of the block; a guest runs where salt was inserted, by default its own."""
    if selected.salt:
        with_salt = [name for name in block.cells if name.startswith(SALT)]
        block = block.model_copy(update={"cells": with_salt or [f"{SALT}{selected.salt}"]})
    return make_start_cells(
        selected.crystal,
        cation=symbol_of(selected.cation),
        anion=symbol_of(selected.anion),
        block=block,
    )


def _make_runs(
    selected: SelectedStructure, cell: StartCell, block: MdBlock, protocol: MdProtocol
) -> Iterable[PlannedRun]:
    path = str(Path(block.model_path).expanduser().resolve()) if block.model_path else None
    for temperature in protocol.temperatures_k:
        for replica in range(1, protocol.replicas + 1):
            parts = (block.seed, selected.structure_key, cell.name, temperature, replica)
            digest = hashlib.sha256(repr(parts).encode()).hexdigest()
            spec = RunSpec(
                structure_key=selected.structure_key,
                source_id=selected.source_id,
                formula=selected.formula,
                cation=selected.cation,
                anion=selected.anion,
                cell=cell.name,
                cell_sha256=cell.sha256,
                charges_e=cell.charges_e,
                engine=block.engine,
                model_path=path,
                python=block.interpreter,
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
    """Expected cost of runs.

    Attributes:
        seconds: computing time on the resources of one run, s; NaN where the speed is unknown.
        disk_bytes: size of all their files, bytes.
        sources: where the times of a step are from, the least certain first.
    """

    seconds: float
    disk_bytes: float
    sources: tuple[Source, ...]


def estimate(
    runs: Iterable[PlannedRun], *, speeds: Speeds | None = None, most: bool = False
) -> Estimate:
    """Estimate the cost of the planned productions, or of the budgets.

    Args:
        runs: planned runs.
        speeds: what is known of the time of a step; None for the cards alone.
        most: whether to count up to the budgets.
    """
    known, seconds, size, sources = speeds or Speeds(), 0.0, 0.0, set()
    for run in runs:
        steps = run.steps(most=most)
        sources.add(known.source(run))
        seconds += known.seconds_per_step(run) * steps
        frames = steps / run.spec.protocol.steps_per_frame
        size += frames * run.cell.n_atoms * BYTES_PER_ATOM_FRAME + BYTES_BESIDE
    order: tuple[Source, ...] = ("unknown", "card", "force_call", "runs")
    return Estimate(
        seconds=seconds,
        disk_bytes=size,
        sources=tuple(source for source in order if source in sources),
    )
