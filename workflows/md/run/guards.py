"""Guards: physical limits of each frame. A frame beyond one stops the run; its files are kept."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray

from dualion.workflows.md.engines.base import EngineCall, GuardTrippedError
from dualion.workflows.md.run.trajectory_file import MdFrame

HOT_FACTOR = 2.5
"""Largest ratio of the instantaneous temperature to the thermostat's. The canonical relative
fluctuation is √(2/3N): 0.2 for 17 atoms; small cells are allowed ``FLUCTUATIONS`` of these."""

FLUCTUATIONS = 8.0

RISE_EV_ATOM = 1.0
"""Largest change of the potential energy since the start, eV per atom; equipartition at 1000 K
gives 0.13."""

CLOSE_SHARE = 0.5
"""Smallest distance of two atoms, as a share of the sum of their covalent radii."""

VOLUME_SHARE = 0.3
"""Largest relative change of the cell's volume; thermal expansion is far smaller."""


@dataclass(slots=True, kw_only=True)
class Guard:
    """Checks the frames of one run.

    Attributes:
        temperature_k: of the thermostat, K.
        numbers: shape (n,), atomic numbers.
        volume_angstrom3: of the starting cell, Å³.
        energy_ev: of the first frame, eV; NaN before it.
    """

    temperature_k: float
    numbers: NDArray[np.int64]
    volume_angstrom3: float
    energy_ev: float = np.nan

    @classmethod
    def for_call(cls, call: EngineCall, *, energy_ev: float = np.nan) -> Guard:
        """Make the guard of a run.

        Args:
            call: the run.
            energy_ev: potential energy of its first frame, eV; NaN before it.
        """
        atoms = call.folder.atoms()
        return cls(
            temperature_k=call.spec.temperature_k,
            numbers=atoms.get_atomic_numbers(),
            volume_angstrom3=float(atoms.get_volume()),
            energy_ev=energy_ev,
        )

    def check(self, frame: MdFrame) -> None:
        """Check one frame against all limits.

        Raises:
            GuardTrippedError: it exceeds one.
        """
        self._check_finite(frame)
        self._check_temperature(frame)
        self._check_energy(frame)
        self._check_volume(frame)
        self._check_distances(frame)

    def _check_finite(self, frame: MdFrame) -> None:
        values = (frame.positions, frame.cell, frame.energy_ev)
        if not all(np.isfinite(value).all() for value in values):
            raise GuardTrippedError(
                "not_finite",
                f"At {frame.time_ps:g} ps a position or the energy is not finite; the potential "
                "cannot describe this structure, or the time step is too long.",
            )

    def _check_temperature(self, frame: MdFrame) -> None:
        spread = np.sqrt(2.0 / (3.0 * len(self.numbers)))
        most = self.temperature_k * max(HOT_FACTOR, 1.0 + FLUCTUATIONS * spread)
        if frame.temperature_k > most:
            raise GuardTrippedError(
                "too_hot",
                f"At {frame.time_ps:g} ps the temperature is {frame.temperature_k:.0f} K with a "
                f"thermostat of {self.temperature_k:g} K.",
            )

    def _check_energy(self, frame: MdFrame) -> None:
        if np.isnan(self.energy_ev):
            self.energy_ev = frame.energy_ev
        rise = (frame.energy_ev - self.energy_ev) / len(self.numbers)
        if abs(rise) > RISE_EV_ATOM:
            raise GuardTrippedError(
                "energy_blow_up",
                f"At {frame.time_ps:g} ps the energy differs from the start's by {rise:+.2f} eV "
                "per atom; the cell falls apart.",
            )

    def _check_volume(self, frame: MdFrame) -> None:
        volume = abs(float(np.linalg.det(frame.cell)))
        change = volume / self.volume_angstrom3 - 1.0
        if abs(change) > VOLUME_SHARE:
            raise GuardTrippedError(
                "volume_runaway",
                f"At {frame.time_ps:g} ps the cell's volume has changed by {change:+.0%}.",
            )

    def _check_distances(self, frame: MdFrame) -> None:
        kinds = [int(kind) for kind in np.unique(self.numbers)]
        limits = {
            pair: CLOSE_SHARE * float(covalent_radii[pair[0]] + covalent_radii[pair[1]])
            for pair in combinations_with_replacement(kinds, 2)
        }
        atoms = Atoms(self.numbers, frame.positions, cell=frame.cell, pbc=True)
        first, second, gaps = neighbor_list("ijd", atoms, limits)
        if len(gaps):
            at = int(np.argmin(gaps))
            symbols = atoms.get_chemical_symbols()
            raise GuardTrippedError(
                "atoms_too_close",
                f"At {frame.time_ps:g} ps {symbols[first[at]]} and {symbols[second[at]]} are "
                f"{gaps[at]:.2f} Å apart.",
            )
