"""Cheap ASE calculators for the MD queue's tests, named by import path."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

WELLS_EV = {"Li": 0.4, "I": 1.0}
"""Half the height of the wells' walls, eV."""


class Wells(Calculator):  # type: ignore[misc]
    """Each atom in the wells of a rock salt of 6 Å, of cosines along each axis.

    Energy and forces depend on the positions alone, so that a run that goes on is the unbroken one.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def calculate(
        self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        walls = np.array([WELLS_EV.get(s, 0.6) for s in self.atoms.get_chemical_symbols()])
        k = 2.0 * np.pi / 3.0
        phase = k * self.atoms.get_positions()
        self.results["energy"] = float((walls[:, None] * (1.0 - np.cos(phase))).sum())
        self.results["forces"] = -walls[:, None] * k * np.sin(phase)


class Broken(Wells):
    """Returns no number."""

    def calculate(
        self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        self.results["forces"] = np.full_like(self.results["forces"], np.nan)
        self.results["energy"] = float("nan")


class Slow(Wells):
    """Takes 5 ms a step."""

    def calculate(
        self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        time.sleep(0.005)


class Deadly(Slow):
    """Kills its process as long as the file of its model says so; a number a line is taken off."""

    def __init__(self, model_path: str) -> None:
        super().__init__()
        self._file, self._calls = Path(model_path), 0

    def calculate(
        self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        self._calls += 1
        lives = int(self._file.read_text())
        if self._calls > 60 and lives > 0:
            self._file.write_text(str(lives - 1))
            os.kill(os.getpid(), signal.SIGKILL)
