"""ASE thermostats with a state that can be saved and restored exactly."""

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
    """ASE dynamics of one run, with a state from which it continues exactly.

    Args:
        atoms: with their calculator; moved in place.
        spec: the run.
    """

    def __init__(self, atoms: Atoms, spec: RunSpec) -> None:
        self.atoms = atoms
        self._rng = np.random.default_rng(spec.seed)
        self._spec = spec
        self._md: Any = None

    def start(self) -> None:
        """Draw velocities at the run's temperature, without drift of the centre of mass."""
        thermalize_momenta(self.atoms, self._spec.temperature_k, rng=self._rng)
        Stationary(self.atoms)
        self._md = self._make_dynamics()

    def resume(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Restore the state of a checkpoint, as ``state`` gives it."""
        self.atoms.set_cell(state["cell"])
        self.atoms.set_positions(state["positions"])
        self.atoms.set_momenta(state["momenta"])
        self._rng.bit_generator.state = json.loads(str(state["rng"]))
        self._md = self._make_dynamics()
        if isinstance(self._md, NoseHooverChainNVT):
            self._md._thermostat._eta[:] = state["eta"]
            self._md._thermostat._p_eta[:] = state["eta_momenta"]

    def state(self) -> State:
        """Give the arrays that ``resume`` needs, by name."""
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
        """Integrate a number of steps."""
        for _ in range(steps):
            self._md.step()

    def _make_dynamics(self) -> Any:
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
        return _make_nose_hoover(self.atoms, temperature, damping, common)


def _make_nose_hoover(atoms: Atoms, temperature_k: float, damping: float, common: Any) -> Any:
    """Make a Nosé–Hoover chain for 3N − 3 degrees of freedom, the centre of mass being fixed.

    Martyna, Klein, Tuckerman, J. Chem. Phys. 97, 2635 (1992), 10.1063/1.463940. ASE counts 3N,
    which would hold the temperature too high by a factor of N/(N − 1).
    """
    dynamics = NoseHooverChainNVT(atoms, temperature_K=temperature_k, tdamp=damping, **common)
    dynamics._thermostat = NoseHooverChainThermostat(
        num_atoms_global=max(1, len(atoms) - 1),
        masses=dynamics.masses,
        temperature_K=temperature_k,
        tdamp=damping,
    )
    return dynamics


def instantaneous_temperature_k(atoms: Atoms) -> float:
    """Instantaneous temperature of 3N − 3 degrees of freedom, K."""
    freedom = max(1, 3 * len(atoms) - 3)
    return float(2.0 * atoms.get_kinetic_energy() / (freedom * units.kB))
