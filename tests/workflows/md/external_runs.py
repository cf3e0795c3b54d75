"""Small MD runs for the tests of engines that are programs of their own."""

from __future__ import annotations

import gzip
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms

from dualion.structures.trajectories.xyz import comment_values, xyz_blocks
from dualion.workflows.md.engines import EngineCall, Resources
from dualion.workflows.md.plan.protocol import MdProtocol
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.run.run_folder import RunFolder


def rock_salt(spacing: float = 6.0) -> Atoms:
    """Cubic LiI of eight atoms, anions and cations mixed in the list."""
    corners = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    fractional = np.vstack([corners, (corners + 0.5) % 1.0])
    order = [0, 4, 1, 5, 2, 6, 3, 7]
    symbols = [("Li" if i < 4 else "I") for i in order]
    return Atoms(symbols, scaled_positions=fractional[order], cell=[spacing] * 3, pbc=True)


def protocol(**changes: object) -> MdProtocol:
    """Twenty steps of 1 fs, a frame every five."""
    values: dict[str, object] = {
        "name": "test",
        "temperatures_k": (600.0,),
        "timestep_fs": 1.0,
        "frame_fs": 5.0,
        "equilibration_ps": 0.0,
        "production_ps": 0.02,
        "budget_ps": 0.02,
        "block_ps": 0.02,
        "still_after_ps": 1.0,
    }
    return MdProtocol.model_validate(values | changes)


def make_run(
    path: Path,
    *,
    engine: str,
    settings: dict[str, object] | None = None,
    atoms: Atoms | None = None,
    **changes: object,
) -> RunFolder:
    """A run's folder, ready for its engine."""
    spec = RunSpec(
        structure_key="0123456789abcdef",
        source_id="LiI",
        formula="LiI",
        cation="Li+",
        anion="I-",
        cell_sha256="0" * 64,
        engine=engine,
        settings=settings or {},
        temperature_k=600.0,
        seed=7,
        protocol=protocol(**changes),
    )
    text = path.parent / f"{path.name}.extxyz"
    path.parent.mkdir(parents=True, exist_ok=True)
    ase.io.write(text, atoms or rock_salt(), format="extxyz")
    folder = RunFolder(path)
    folder.create(spec, text.read_text())
    return folder


def engine_call_of(folder: RunFolder, **resources: object) -> EngineCall:
    """A call of an engine to the end of the run."""
    spec = folder.spec()
    return EngineCall(
        folder=folder,
        spec=spec,
        target_ps=spec.protocol.production_ps,
        resources=Resources(**resources),  # type: ignore[arg-type]
    )


def joined_frames(folder: RunFolder) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Steps, positions of shape (frames, n, 3), Å, and energies, eV, of a joined trajectory."""
    blocks = list(xyz_blocks(folder.trajectory))
    values = [comment_values(block.comment) for block in blocks]
    steps = [int(value["step"]) for value in values]
    energies = np.array([float(value["energy"]) for value in values])
    return steps, np.stack([block.positions for block in blocks]), energies


def is_whole_gzip(path: Path) -> bool:
    """Whether every byte of a joined trajectory can be unpacked."""
    with gzip.open(path) as handle:
        return bool(handle.read())
