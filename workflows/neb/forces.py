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
from dualion.workflows.potentials.batch import check_parity, make_model, require_finite, supports
from dualion.workflows.potentials.load import make_calculator
from dualion.workflows.potentials.standalone.batches import EnergyAndForces, evaluate

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator


RELEASE_CALLS = 100
"""Memory that is free goes back to the system each time that so many cells were computed."""


@dataclass(slots=True, kw_only=True)
class Potential:
    """A potential and how it takes several cells at once.

    Attributes:
        name: of the calculator.
        calculator: its ASE calculator.
        model: computes several cells in one call; None where its calculator does.
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
        if (self.calls + len(cells)) // RELEASE_CALLS > self.calls // RELEASE_CALLS:
            release_memory()
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
        if self.model is None:
            return evaluate(self.calculator, cells)
        found = list(self.model(cells))
        require_finite(self.name, cells, found, lambda: self.calculator)
        return found


def make_potential(
    name: str,
    *,
    model_path: str | None = None,
    device: str = "auto",
    python: str | None = None,
    sample: Atoms | None = None,
) -> Potential:
    """Make a potential; for several cells at once where its package or torch-sim can.

    Args:
        name: of an ASE calculator, see ``make_calculator``.
        model_path: file of its parameters.
        device: auto, cpu or cuda.
        python: interpreter of an environment of its own; None for this one.
        sample: a cell on which the batch's results are compared with the calculator's.

    Raises:
        InputError: it cannot be made, or the batch's forces are others than its own.
    """
    calculator = make_calculator(name, model_path=model_path, device=device, python=python)
    model = None
    if python is None and supports(name):
        model = make_model(name, model_path=model_path, device=device, calculator=calculator)
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
