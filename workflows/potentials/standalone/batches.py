"""Energies and forces of several cells in one pass, where the potential's model can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dualion.workflows.potentials.standalone.recipes import first_derivatives_only, quiet

if TYPE_CHECKING:
    from ase import Atoms

EnergyAndForces = tuple[float, Any]
"""Potential energy, eV, and forces, shape (n, 3), eV/Å, of one cell."""

Batch = Callable[[Any, Sequence[Any]], list[EnergyAndForces]]
"""Evaluates several cells with a calculator's model."""


def evaluate(calculator: Any, cells: Sequence[Atoms]) -> list[EnergyAndForces]:
    """Compute energies and forces of cells, in one pass where the model can.

    Args:
        calculator: an ASE calculator.
        cells: periodic cells; they keep their own calculators.
    """
    together = _find_batch(calculator)
    with quiet():
        if together is not None:
            return together(calculator, cells)
        return [_evaluate_one(calculator, cell) for cell in cells]


def has_batch(calculator: Any) -> bool:
    """Whether a calculator's model takes several cells in one pass."""
    return _find_batch(calculator) is not None


def _find_batch(calculator: Any) -> Batch | None:
    if hasattr(calculator, "evaluate_cells"):  # of another process
        return _evaluate_elsewhere
    packages = {kind.__module__.split(".")[0] for kind in type(calculator).__mro__}
    return next((found for package, found in _BATCHES.items() if package in packages), None)


def _evaluate_elsewhere(calculator: Any, cells: Sequence[Atoms]) -> list[EnergyAndForces]:
    found: list[EnergyAndForces] = calculator.evaluate_cells(cells)
    return found


def _evaluate_one(calculator: Any, cell: Atoms) -> EnergyAndForces:
    single = cell.copy()
    single.calc = calculator
    forces = np.array(single.get_forces(), dtype=np.float64)
    return float(single.get_potential_energy()), forces


def _evaluate_chgnet(calculator: Any, cells: Sequence[Atoms]) -> list[EnergyAndForces]:
    from pymatgen.io.ase import AseAtomsAdaptor

    model = calculator.model
    graphs = [model.graph_converter(AseAtomsAdaptor.get_structure(cell)) for cell in cells]
    with first_derivatives_only():
        found = model.predict_graph(graphs, task="ef", batch_size=len(graphs))
    answers = found if isinstance(found, list) else [found]  # one graph gives no list
    return [
        (
            float(one["e"]) * (len(cell) if model.is_intensive else 1),
            np.asarray(one["f"], dtype=np.float64),
        )
        for cell, one in zip(cells, answers, strict=True)
    ]


def _evaluate_sevennet(calculator: Any, cells: Sequence[Atoms]) -> list[EnergyAndForces]:
    import sevenn._keys as key
    from torch_geometric.loader.dataloader import Collater

    model = calculator.model
    graphs = [_graph_of(calculator, cell) for cell in cells]
    batch = Collater(graphs, follow_batch=None, exclude_keys=None)(graphs).to(calculator.device)
    model.set_is_batch_data(True)
    try:
        found = model(batch)
    finally:
        model.set_is_batch_data(False)  # as its calculator expects it
    energies = found[key.PRED_TOTAL_ENERGY].detach().double().cpu().numpy().reshape(-1)
    forces = found[key.PRED_FORCE].detach().double().cpu().numpy()
    edges = np.cumsum([len(cell) for cell in cells])[:-1]
    return [
        (float(energy), part)
        for energy, part in zip(energies, np.split(forces, edges), strict=True)
    ]


def _graph_of(calculator: Any, cell: Atoms) -> Any:
    import sevenn._keys as key
    from sevenn.atom_graph_data import AtomGraphData
    from sevenn.train.dataload import unlabeled_atoms_to_graph

    plain = unlabeled_atoms_to_graph(cell, calculator.cutoff, with_shift=False)
    graph = AtomGraphData.from_numpy_dict(plain)
    if calculator.modal:
        graph[key.DATA_MODALITY] = calculator.modal
    return graph


_BATCHES: dict[str, Batch] = {"chgnet": _evaluate_chgnet, "sevenn": _evaluate_sevennet}
"""Package of a calculator's class, or of one that it derives from → its evaluation of a batch."""
