"""Small Lennard-Jones crystals as MD runs, for tests of a batch."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones

from dualion.workflows.md.plan.protocol import MdProtocol
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.run.run_folder import RunFolder

ENGINE = "md_batch_samples:ArgonCalculator"
CUTOFF_ANGSTROM = 6.0
SIGMA_ANGSTROM, EPSILON_EV = 3.405, 0.0104


class ArgonCalculator(LennardJones):
    """ASE's Lennard-Jones potential with argon's parameters: what single runs use."""

    def __init__(self) -> None:
        super().__init__(sigma=SIGMA_ANGSTROM, epsilon=EPSILON_EV, rc=CUTOFF_ANGSTROM, smooth=False)


def argon_model(_: Path | None, device: str) -> Any:
    """The same as a torch-sim model, summed over images of the cell: what a batch uses."""
    import torch
    from torch_sim.models.interface import ModelInterface

    class ArgonModel(ModelInterface):
        def __init__(self) -> None:
            super().__init__()
            self._device, self._dtype = torch.device(device), torch.float64
            self._compute_forces, self._compute_stress = True, False
            steps = torch.arange(-2.0, 3.0, dtype=torch.float64)
            self.images = torch.cartesian_prod(steps, steps, steps)
            self.calls: list[int] = []

        def forward(self, state: Any) -> dict[str, Any]:
            self.calls.append(int(state.n_systems))
            energies, forces = [], []
            for system in range(state.n_systems):
                positions = state.positions[state.system_idx == system]
                energy, force = self.one(positions, state.cell[system].T)
                energies.append(energy)
                forces.append(force)
            return {"energy": torch.stack(energies), "forces": torch.cat(forces)}

        def one(self, positions: Any, rows: Any) -> tuple[Any, Any]:
            apart = positions[None] - positions[:, None]
            vectors = apart[:, :, None] + (self.images @ rows)[None, None]
            squared = (vectors**2).sum(-1)
            near = (squared < CUTOFF_ANGSTROM**2) & (squared > 1e-6)
            sixth = torch.where(near, SIGMA_ANGSTROM**2 / squared.clamp(min=1e-6), 0.0) ** 3
            shift = (SIGMA_ANGSTROM / CUTOFF_ANGSTROM) ** 6
            pair = 4.0 * EPSILON_EV * (sixth**2 - sixth - near.double() * (shift**2 - shift))
            slope = 24.0 * EPSILON_EV * (2.0 * sixth**2 - sixth) / squared.clamp(min=1e-6)
            return 0.5 * pair.sum(), -(slope[..., None] * vectors).sum((1, 2))

    return ArgonModel()


def argon(repeats: tuple[int, int, int] = (2, 2, 2), *, squeeze: float = 1.0) -> Atoms:
    """A crystal of argon, every second atom named krypton, in a cell that is not orthogonal."""
    atoms = bulk("Ar", "fcc", a=5.26 * squeeze).repeat(repeats).repeat((2, 1, 1))
    symbols = np.array(["Ar", "Kr"])[np.arange(len(atoms)) % 2]
    atoms.set_chemical_symbols(symbols.tolist())
    return atoms


def protocol(**changes: object) -> MdProtocol:
    """A protocol of 0.15 ps, a frame each 10 fs."""
    fields: dict[str, object] = {
        "name": "lj",
        "timestep_fs": 5.0,
        "equilibration_ps": 0.05,
        "production_ps": 0.1,
        "budget_ps": 0.1,
        "block_ps": 0.1,
        "frame_fs": 10.0,
    }
    return MdProtocol.model_validate(fields | changes)


def make_run(
    path: Path,
    atoms: Atoms,
    temperature_k: float,
    *,
    seed: int = 1,
    engine: str = ENGINE,
    model_path: str | None = None,
    **changes: object,
) -> Path:
    """A prepared run."""
    text = io.StringIO()
    ase.io.write(text, atoms, format="extxyz")
    spec = RunSpec(
        structure_key="k",
        source_id=path.name,
        formula="ArKr",
        cation="Ar+",
        anion="Kr-",
        cell_sha256="0",
        engine=engine,
        model_path=model_path,
        temperature_k=temperature_k,
        seed=seed,
        protocol=protocol(**changes),
    )
    RunFolder(path).create(spec, text.getvalue())
    return path
