"""Potentials that torch-sim evaluates for several cells in one call.

torch-sim's integrators are not used: in 0.3, the last release for Python 3.11, its Nosé–Hoover
chain couples all cells of a batch to one thermostat, its Langevin noise is drawn for the whole
batch, and positions are wrapped at each step. Each run keeps its own ASE dynamics instead, and
torch-sim computes what takes the time: energies and forces of all cells at once.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import InputError, MissingDependencyError
from dualion.workflows.campaign.screening_options import known_name
from dualion.workflows.potentials.cards import CARDS
from dualion.workflows.potentials.load import make_calculator, resolve_device
from dualion.workflows.potentials.standalone.batches import EnergyAndForces
from dualion.workflows.potentials.standalone.errors import PotentialError
from dualion.workflows.potentials.standalone.model_files import require_weights_alone

if TYPE_CHECKING:
    from ase import Atoms


def _mace(model_path: Path | None, device: str) -> Any:
    import torch
    from torch_sim.models.mace import MaceModel

    model = make_calculator("mace", model_path=model_path, device=device).models[0]
    return MaceModel(
        model=model,
        device=torch.device(device),
        dtype=next(model.parameters()).dtype,
        compute_stress=False,
    )


def _mattersim(model_path: Path | None, device: str) -> Any:
    from torch_sim.models.mattersim import MatterSimModel

    calculator = make_calculator("mattersim", model_path=model_path, device=device)
    return MatterSimModel(model=calculator.potential, device=device)


def _orb(model_path: Path | None, device: str) -> Any:
    from orb_models.forcefield import pretrained
    from torch_sim.models.orb import OrbModel

    path = require_weights_alone(str(model_path))
    found = pretrained.orb_v2(weights_path=path, device=device)
    parts = found if isinstance(found, tuple) else (found,)  # newer ones give an adapter too
    return OrbModel(*parts, device=device)


MODELS: dict[str, tuple[Callable[[Path | None, str], Any], str]] = {
    "mace": (_mace, "mace"),
    "mattersim": (_mattersim, "mattersim"),
    "orb": (_orb, "orb_models"),
}
"""Engine → function that makes its torch-sim model, and the module that it needs besides torch-sim.
CHGNet and SevenNet have batches of their own."""


def supports(engine: str) -> bool:
    """Whether the packages to compute several runs of an engine in one batch are installed."""
    return engine in MODELS and all(
        importlib.util.find_spec(module) is not None for module in ("torch_sim", MODELS[engine][1])
    )


@dataclass(frozen=True, slots=True)
class TorchSimModel:
    """A torch-sim model that takes ASE's cells and returns ASE's units.

    Attributes:
        model: torch-sim's ``ModelInterface``.
    """

    model: Any

    def __call__(self, cells: Sequence[Atoms]) -> list[EnergyAndForces]:
        """Compute energies and forces of cells, which are periodic in all directions."""
        import torch
        from torch_sim.state import SimState

        def tensor(values: NDArray[Any], kind: Any) -> Any:
            return torch.as_tensor(values, dtype=kind, device=self.model.device)

        counts = [len(cell) for cell in cells]
        real, whole = self.model.dtype, torch.int64
        state = SimState(
            positions=tensor(np.concatenate([_wrap_positions(cell) for cell in cells]), real),
            masses=tensor(np.concatenate([cell.get_masses() for cell in cells]), real),
            cell=tensor(np.stack([np.array(cell.cell).T for cell in cells]), real),  # columns
            pbc=True,
            atomic_numbers=tensor(np.concatenate([cell.numbers for cell in cells]), whole),
            system_idx=tensor(np.repeat(np.arange(len(cells)), counts), whole),
        )
        found = self.model(state)
        energies = found["energy"].detach().double().cpu().numpy()
        forces = found["forces"].detach().double().cpu().numpy()
        parts = np.split(forces, np.cumsum(counts)[:-1])
        return [(float(energy), part) for energy, part in zip(energies, parts, strict=True)]


def make_model(
    engine: str, *, model_path: str | Path | None = None, device: str = "auto"
) -> TorchSimModel:
    """Make the model of an engine for a batch.

    Args:
        engine: one of ``MODELS``.
        model_path: file of the potential's parameters.
        device: auto, cpu or cuda.

    Raises:
        MissingDependencyError: torch-sim or the potential's package is not installed.
        InputError: it is unknown, its file is missing, or it cannot be made.
    """
    known_name("engine for a batch", engine, MODELS)
    path = Path(model_path).expanduser() if model_path else None
    if path is not None and not path.is_file():
        raise InputError(f"There is no model file {path}; check --model-path.")
    if path is None and engine in CARDS:
        raise InputError(f"The engine {engine} needs a file of its parameters; give --model-path.")
    make, module = MODELS[engine]
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # each wrapper warns of packages that are missing
            return TorchSimModel(make(path, resolve_device(device)))
    except ImportError as error:
        raise MissingDependencyError(
            f"A batch with {engine} needs torch-sim and {module} ({error.name or error} is "
            "missing); install: pip install 'dualion[torch-sim]', and the potential's package."
        ) from error
    except PotentialError as error:
        raise InputError(str(error)) from error
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"The engine {engine} cannot be made for a batch: {error}.") from error


def _wrap_positions(cell: Atoms) -> NDArray[np.float64]:
    """Wrap positions into the cell, shape (n, 3), Å; the run's own stay unwrapped."""
    vectors = np.array(cell.cell)
    fractional = np.linalg.solve(vectors.T, cell.positions.T).T
    return np.asarray((fractional - np.floor(fractional)) @ vectors)
