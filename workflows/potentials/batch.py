"""Several cells in one call: by the potential's own model, or by torch-sim where it has a wrapper.

CHGNet and SevenNet take a list of graphs, and a potential of another environment takes a list of
cells; MACE, MatterSim and ORB are computed through torch-sim.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dualion.structures.errors import InputError, StructureError
from dualion.workflows.campaign.screening_options import known_name
from dualion.workflows.potentials import torch_sim_models
from dualion.workflows.potentials.cards import CARDS
from dualion.workflows.potentials.load import make_calculator
from dualion.workflows.potentials.standalone.batches import EnergyAndForces, evaluate

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

BatchModel = Callable[[Sequence["Atoms"]], list[EnergyAndForces]]
"""Computes energies and forces of several periodic cells."""

OWN_BATCH = ("chgnet", "sevennet")
"""Families whose models take several cells by themselves."""

PARITY_SHARE = 0.01
PARITY_EV_ANGSTROM = 0.002
PARITY_EV_ATOM = 0.005
"""Largest deviation of a batch from the potential's own ASE calculator: a share of the largest
force plus eV/Å, and eV per atom. Single precision stays far below."""

RATTLE_ANGSTROM = 0.05


class BatchNotFiniteError(StructureError):
    """A batch gave what is not finite for a cell that has finite forces alone."""

    reason = "batch_not_finite"


def supports(engine: str) -> bool:
    """Whether the packages to compute several runs of an engine in one batch are installed.

    Args:
        engine: name of the engine.
    """
    return _has_own_batch(engine) or torch_sim_models.supports(engine)


def _has_own_batch(engine: str) -> bool:
    card = CARDS.get(engine)
    return (
        card is not None
        and card.family in OWN_BATCH
        and importlib.util.find_spec(card.module) is not None
    )


def make_model(
    engine: str,
    *,
    model_path: str | Path | None = None,
    device: str = "auto",
    calculator: Calculator | None = None,
) -> BatchModel:
    """Make the model of an engine for a batch.

    Args:
        engine: one that ``supports`` accepts.
        model_path: file of the potential's parameters.
        device: auto, cpu or cuda.
        calculator: the engine's, where it is there already.

    Raises:
        MissingDependencyError: torch-sim or the potential's package is not installed.
        InputError: it is unknown, its file is missing, or it cannot be made.
    """
    card = CARDS.get(engine)
    own = card is not None and card.family in OWN_BATCH
    if not own:
        known_name("engine for a batch", engine, (*CARDS, *torch_sim_models.MODELS))
        return torch_sim_models.make_model(engine, model_path=model_path, device=device)
    made = calculator or make_calculator(engine, model_path=model_path, device=device)
    return lambda cells: evaluate(made, cells)


def check_parity(
    model: BatchModel, engine: str, cells: Sequence[Atoms], *, model_path: str | None, device: str
) -> None:
    """Compare a batch of slightly rattled cells with the potential's own ASE calculator.

    A wrapper may be wrong for some cells: torch-sim 0.3's Lennard-Jones doubles the forces, and
    takes the rows of a cell for columns. Only such a comparison shows it.

    Args:
        model: the model of the batch.
        engine: name of the engine.
        cells: starting cells of the runs.
        model_path: file of the potential's parameters.
        device: auto, cpu or cuda.

    Raises:
        InputError: they differ; the runs must not be computed in a batch.
    """
    calculator = make_calculator(engine, model_path=model_path, device=device)
    rattled = [cell.copy() for cell in cells]
    for seed, cell in enumerate(rattled):
        cell.rattle(RATTLE_ANGSTROM, seed=seed)
    for cell, (energy, forces) in zip(rattled, model(rattled), strict=True):
        cell.calc = calculator
        expected = cell.get_forces()
        off = float(np.abs(forces - expected).max())
        off_atom = abs(energy - cell.get_potential_energy()) / len(cell)
        most = PARITY_EV_ANGSTROM + PARITY_SHARE * float(np.abs(expected).max())
        if not (off <= most and off_atom <= PARITY_EV_ATOM):
            raise InputError(
                f"The batch and the calculator of {engine} differ by {off:.2g} eV/Å and "
                f"{off_atom:.2g} eV per atom for {cell.get_chemical_formula()}; use other versions "
                "of torch-sim and the potential's package, or run without a batch."
            )


def require_finite(
    engine: str,
    cells: Sequence[Atoms],
    found: Sequence[EnergyAndForces],
    calculator: Callable[[], Calculator],
) -> None:
    """Require that what is not finite in a batch is not finite in the cell alone either.

    Batched models have been seen to give NaN where the potential's own calculator gives forces
    (https://github.com/TorchSim/torch-sim/issues/579). A cell that has fallen apart gives NaN both
    ways, which is for the run's guards.

    Args:
        engine: name of the engine.
        cells: the cells.
        found: what the batch gave.
        calculator: makes the potential's own calculator, where it is needed.

    Raises:
        BatchNotFiniteError: a cell has finite forces alone.
    """
    for cell, (energy, forces) in zip(cells, found, strict=True):
        if is_finite(energy, forces) or not np.isfinite(cell.positions).all():
            continue
        ((alone_ev, alone),) = evaluate(calculator(), [cell])
        if is_finite(alone_ev, alone):
            raise BatchNotFiniteError(
                f"{engine} gives an energy or forces that are not finite for "
                f"{cell.get_chemical_formula()} in a batch, and finite ones for the same cell "
                "alone; run it without a batch, or with other versions of its packages."
            )


def is_finite(energy_ev: float, forces: Any) -> bool:
    """Whether an energy and all forces are finite.

    Args:
        energy_ev: eV.
        forces: shape (n, 3), eV/Å.
    """
    return bool(np.isfinite(energy_ev) and np.isfinite(forces).all())
