"""Guards: what a sane run never does. One that trips stops the run; nothing is thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray

from dualion.workflows.md.engines.base import GuardTrippedError, Leg
from dualion.workflows.md.run.trajectory_file import MdFrame

HOT_FACTOR = 2.5
"""Instantaneous temperature over the thermostat's from which a run is called too hot. Its
relative fluctuation is √(2/3N): 0.2 for 17 atoms; small cells get ``FLUCTUATIONS`` of these."""

FLUCTUATIONS = 8.0

RISE_EV_ATOM = 1.0
"""Rise of the potential energy above the start that no solid takes up, eV per atom: at 1000 K
equipartition gives 0.13."""

CLOSE_SHARE = 0.5
"""Share of the sum of covalent radii below which two atoms are too close."""

VOLUME_SHARE = 0.3
"""Relative change of the cell's volume that is no thermal expansion."""


@dataclass(slots=True, kw_only=True)
class Guard:
    """Checks frames of one run.

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
    def of(cls, leg: Leg, *, energy_ev: float = np.nan) -> Guard:
        """The guard of a run whose first frame has an energy, eV, or is still to come."""
        atoms = leg.folder.atoms()
        return cls(
            temperature_k=leg.spec.temperature_k,
            numbers=atoms.get_atomic_numbers(),
            volume_angstrom3=float(atoms.get_volume()),
            energy_ev=energy_ev,
        )

    def check(self, frame: MdFrame) -> None:
        """Look at one frame.

        Raises:
            GuardTrippedError: it is out of bounds.
        """
        self._finite(frame)
        self._temperature(frame)
        self._energy(frame)
        self._volume(frame)
        self._distances(frame)

    def _finite(self, frame: MdFrame) -> None:
        values = (frame.positions, frame.cell, frame.energy_ev)
        if not all(np.isfinite(value).all() for value in values):
            raise GuardTrippedError(
                "not_finite",
                f"At {frame.time_ps:g} ps a position or the energy is no number; the potential "
                "cannot describe this structure, or the time step is too long.",
            )

    def _temperature(self, frame: MdFrame) -> None:
        spread = np.sqrt(2.0 / (3.0 * len(self.numbers)))
        most = self.temperature_k * max(HOT_FACTOR, 1.0 + FLUCTUATIONS * spread)
        if frame.temperature_k > most:
            raise GuardTrippedError(
                "too_hot",
                f"At {frame.time_ps:g} ps the temperature is {frame.temperature_k:.0f} K with a "
                f"thermostat of {self.temperature_k:g} K.",
            )

    def _energy(self, frame: MdFrame) -> None:
        if np.isnan(self.energy_ev):
            self.energy_ev = frame.energy_ev
        rise = (frame.energy_ev - self.energy_ev) / len(self.numbers)
        if abs(rise) > RISE_EV_ATOM:
            raise GuardTrippedError(
                "energy_blow_up",
                f"At {frame.time_ps:g} ps the energy differs from the start's by {rise:+.2f} eV "
                "per atom; the cell falls apart.",
            )

    def _volume(self, frame: MdFrame) -> None:
        volume = abs(float(np.linalg.det(frame.cell)))
        change = volume / self.volume_angstrom3 - 1.0
        if abs(change) > VOLUME_SHARE:
            raise GuardTrippedError(
                "volume_runaway",
                f"At {frame.time_ps:g} ps the cell's volume has changed by {change:+.0%}.",
            )

    def _distances(self, frame: MdFrame) -> None:
        kinds = [int(kind) for kind in np.unique(self.numbers)]
        limits = {
            pair: CLOSE_SHARE * float(covalent_radii[pair[0]] + covalent_radii[pair[1]])
            for pair in combinations_with_replacement(kinds, 2)
        }
        from ase import Atoms

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
