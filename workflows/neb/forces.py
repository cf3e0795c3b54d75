"""Energies and forces of several cells in one call, where the potential can."""

from __future__ import annotations

import contextlib
import ctypes
import io
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator

from dualion.structures.errors import InputError, StructureError
from dualion.workflows.doping.relaxation import StopRequested
from dualion.workflows.md.engines.calculators import first_derivatives_only, make_calculator
from dualion.workflows.md.engines.torch_sim_models import (
    EnergyAndForces,
    check_parity,
    make_model,
    supports,
)

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator


@dataclass(slots=True, kw_only=True)
class Potential:
    """A potential and how it takes several cells at once.

    Attributes:
        name: of the calculator.
        calculator: its ASE calculator.
        model: torch-sim's model of it, or None.
        calls: force calls so far, one a cell.
        seconds: time that they took, s.
    """

    name: str
    calculator: Calculator
    model: Any = None
    calls: int = 0
    seconds: float = 0.0

    def evaluate(self, cells: Sequence[Atoms]) -> list[EnergyAndForces]:
        """Compute energies and forces of cells; each keeps its own as its calculator's results.

        Args:
            cells: periodic cells.

        Raises:
            StructureError: the potential failed, or gave what is not finite.
        """
        began = time.perf_counter()
        with self.guarded():
            found = self._evaluate(cells)
        self.calls += len(cells)
        self.seconds += time.perf_counter() - began
        for cell, (energy, forces) in zip(cells, found, strict=True):
            if not (np.isfinite(energy) and np.isfinite(forces).all()):
                raise StructureError(
                    f"{self.name} gave an energy or a force that is not finite; the cell is too "
                    "far from its training data.",
                    reason="energy_not_finite",
                )
            cell.calc = SinglePointCalculator(cell, energy=energy, forces=forces)
        return found

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Silence what the potential prints or warns of, and name its errors.

        Raises:
            StructureError: the potential failed.
        """
        try:
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except (InputError, StructureError, StopRequested):
            raise
        except Exception as error:
            raise StructureError(
                f"{self.name} failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}",
                reason="engine_failed",
            ) from error

    def _evaluate(self, cells: Sequence[Atoms]) -> list[EnergyAndForces]:
        if self.model is not None:
            return list(self.model(cells))
        if len(cells) > 1 and hasattr(getattr(self.calculator, "model", None), "predict_graph"):
            return _evaluate_chgnet(self.calculator, cells)
        return [self._evaluate_one(cell) for cell in cells]

    def _evaluate_one(self, cell: Atoms) -> EnergyAndForces:
        single = cell.copy()
        single.calc = self.calculator
        forces = np.asarray(single.get_forces(), dtype=np.float64)
        return float(single.get_potential_energy()), forces


def _evaluate_chgnet(calculator: Any, cells: Sequence[Atoms]) -> list[EnergyAndForces]:
    """Evaluate the graphs of all cells in one pass of CHGNet."""
    from pymatgen.io.ase import AseAtomsAdaptor

    model = calculator.model
    graphs = [model.graph_converter(AseAtomsAdaptor.get_structure(cell)) for cell in cells]
    with first_derivatives_only():
        found = model.predict_graph(graphs, task="ef", batch_size=len(graphs))
    return [
        (
            float(one["e"]) * (len(cell) if model.is_intensive else 1),
            np.asarray(one["f"], dtype=np.float64),
        )
        for cell, one in zip(cells, found, strict=True)
    ]


def make_potential(
    name: str, *, model_path: str | None = None, device: str = "auto", sample: Atoms | None = None
) -> Potential:
    """Make a potential; with torch-sim for several cells at once where that is installed.

    Args:
        name: of an ASE calculator, see ``make_calculator``.
        model_path: file of its parameters.
        device: auto, cpu or cuda.
        sample: a cell on which torch-sim's results are compared with the calculator's.

    Raises:
        InputError: it cannot be made, or torch-sim's forces are others than its own.
    """
    calculator = make_calculator(name, model_path=model_path, device=device)
    model = None
    if supports(name):
        model = make_model(name, model_path=model_path, device=device)
        if sample is not None:
            check_parity(model, name, [sample], model_path=model_path, device=device)
    return Potential(name=name, calculator=calculator, model=model)


def release_memory() -> None:
    """Give freed memory back to the system, where the C library can.

    Graphs of each size and batch leave holes in the heap, which glibc keeps: of 640 MB that CHGNet
    held after 1500 force calls of 63 atoms, 263 MB were free.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)
