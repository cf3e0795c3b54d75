"""Thermostats of ASE whose whole state can be written down and taken up again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md.bussi import Bussi
from ase.md.langevin import Langevin
from ase.md.nose_hoover_chain import NoseHooverChainNVT, NoseHooverChainThermostat
from ase.md.velocitydistribution import Stationary, thermalize_momenta
from numpy.typing import NDArray

from dualion.workflows.md.plan.spec import RunSpec

State = dict[str, NDArray[np.generic]]


class Dynamics:
    """ASE's dynamics of one run: steps, and the state from which it goes on exactly.

    Args:
        atoms: with its calculator; moved in place.
        spec: what the run is.
    """

    def __init__(self, atoms: Atoms, spec: RunSpec) -> None:
        self.atoms = atoms
        self._rng = np.random.default_rng(spec.seed)
        self._spec = spec
        self._md: Any = None

    def start(self) -> None:
        """Draw velocities at the run's temperature, without a drift of the cell."""
        thermalize_momenta(self.atoms, self._spec.temperature_k, rng=self._rng)
        Stationary(self.atoms)
        self._md = self._made()

    def resume(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take up the state of a checkpoint."""
        self.atoms.set_cell(state["cell"])
        self.atoms.set_positions(state["positions"])
        self.atoms.set_momenta(state["momenta"])
        self._rng.bit_generator.state = json.loads(str(state["rng"]))
        self._md = self._made()
        if isinstance(self._md, NoseHooverChainNVT):
            self._md._thermostat._eta[:] = state["eta"]
            self._md._thermostat._p_eta[:] = state["eta_momenta"]

    def state(self) -> State:
        """What ``resume`` needs."""
        found: State = {
            "cell": np.array(self.atoms.cell),
            "positions": self.atoms.get_positions(),
            "momenta": self.atoms.get_momenta(),
            "rng": np.array(json.dumps(self._rng.bit_generator.state)),
        }
        if isinstance(self._md, NoseHooverChainNVT):
            found["eta"] = self._md._thermostat._eta.copy()
            found["eta_momenta"] = self._md._thermostat._p_eta.copy()
        return found

    def run(self, steps: int) -> None:
        """Move the atoms by a number of steps."""
        for _ in range(steps):
            self._md.step()

    def _made(self) -> Any:
        protocol = self._spec.protocol
        common = {"timestep": protocol.timestep_fs * units.fs, "logfile": None, "trajectory": None}
        damping = protocol.damping_fs * units.fs
        temperature = self._spec.temperature_k
        if protocol.thermostat == "bussi":
            return Bussi(
                self.atoms, temperature_K=temperature, taut=damping, rng=self._rng, **common
            )
        if protocol.thermostat == "langevin":
            return Langevin(
                self.atoms,
                temperature_K=temperature,
                friction=1.0 / damping,
                rng=self._rng,
                fixcm=False,
                **common,
            )
        return _nose_hoover(self.atoms, temperature, damping, common)


def _nose_hoover(atoms: Atoms, temperature_k: float, damping: float, common: Any) -> Any:
    """A Nosé–Hoover chain for the 3N − 3 momenta of a cell that does not drift.

    ASE counts 3N, which with the drift removed would hold the temperature N/(N − 1) too high.
    """
    dynamics = NoseHooverChainNVT(atoms, temperature_K=temperature_k, tdamp=damping, **common)
    dynamics._thermostat = NoseHooverChainThermostat(
        num_atoms_global=max(1, len(atoms) - 1),
        masses=dynamics.masses,
        temperature_K=temperature_k,
        tdamp=damping,
    )
    return dynamics


def temperature_of(atoms: Atoms) -> float:
    """Instantaneous temperature of 3N − 3 momenta, K."""
    freedom = max(1, 3 * len(atoms) - 3)
    return float(2.0 * atoms.get_kinetic_energy() / (freedom * units.kB))
