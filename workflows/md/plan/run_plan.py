"""Plan runs of structures: cells, temperatures, replicas, seeds; estimate their cost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dualion.results.store import MdRun
from dualion.structures.errors import DualionError, InputError
from dualion.workflows.md.engines import make_engine
from dualion.workflows.md.plan.cells import SALT, StartCell, make_start_cells
from dualion.workflows.md.plan.config import MdBlock
from dualion.workflows.md.plan.protocol import MdProtocol
from dualion.workflows.md.plan.selection import SelectedStructure, Skipped, symbol_of
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
basis on two: measured); the others are guesses until runs of the folder are measured."""

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


def make_engine_check(name: str) -> Check:
    """Make a function that asks an engine about a run, once for each set of elements.

    Raises:
        InputError: there is no such engine.
    """
    engine = make_engine(name)
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
    ask = check or make_engine_check(block.engine)
    plan = Plan()
    for selected in selection:
        try:
            made = list(cells) or list(_make_cells(selected, block))
            runs = [run for cell in made for run in _make_runs(selected, cell, block, protocol)]
            for run in {run.cell.elements: run for run in runs}.values():
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
    python = str(Path(block.python).expanduser().absolute()) if block.python else None
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
                python=python,
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
        measured: whether the speed was measured in this folder.
    """

    seconds: float
    disk_bytes: float
    measured: bool


def estimate(
    runs: Iterable[PlannedRun], *, speeds: dict[str, float] | None = None, most: bool = False
) -> Estimate:
    """Estimate the cost of the planned productions, or of the budgets.

    Args:
        runs: planned runs.
        speeds: engine → s per atom and step, where it was measured.
        most: whether to count up to the budgets.
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
