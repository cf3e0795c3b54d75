"""How the ASE calculator of each family of potentials is made.

Packages of potentials are imported where they are used: an environment holds few of them.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dualion.workflows.potentials.standalone.errors import PotentialError
from dualion.workflows.potentials.standalone.model_files import load_weights, require_weights_alone

DEVICES = ("auto", "cpu", "cuda")


def make(family: str, variant: str, model_path: str | None, device: str) -> Any:
    """Make the ASE calculator of a family.

    Args:
        family: one of ``RECIPES``.
        variant: which of the family's own models; empty where a file holds it.
        model_path: file (GRACE: folder) of the parameters; None for those in the package.
        device: auto, cpu or cuda.

    Raises:
        PotentialError: a file is needed, or is not one of weights alone.
        ImportError: the family's package is not installed.
    """
    if variant == "" and model_path is None:
        raise PotentialError(
            f"The engine {family} needs a file of its parameters; give --model-path FILE."
        )
    path = None if model_path is None else require_file(model_path)
    with quiet():  # some print the model that they load, and warn of packages that are missing
        return RECIPES[family](variant, path, resolve_device(device))


def make_by_class(name: str, model_path: str | None) -> Any:
    """Make a calculator of any class.

    Args:
        name: ``package.module:Class``.
        model_path: the class's only argument; None for none.

    Raises:
        PotentialError: the module holds no such class.
        ImportError: there is no such module.
    """
    module, _, attribute = name.partition(":")
    with quiet():
        try:
            kind = getattr(importlib.import_module(module), attribute)
        except AttributeError:
            raise PotentialError(f"The module {module} holds no {attribute}.") from None
        return kind() if model_path is None else kind(str(require_file(model_path)))


def require_file(model_path: str) -> Path:
    """Require that a model file (or a folder, as TensorFlow writes) is there.

    Raises:
        PotentialError: it is not.
    """
    path = Path(model_path).expanduser()
    if not path.exists():
        raise PotentialError(f"There is no model file {path}; check --model-path.")
    return path


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what a library prints and warns of from the terminal."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def resolve_device(name: str) -> str:
    """Resolve the name of a device to cpu or cuda.

    Raises:
        PotentialError: it is unknown, or not available.
    """
    if name not in DEVICES:
        raise PotentialError(f"There is no device {name!r}; choose auto, cpu or cuda.")
    if name == "cpu":
        return name
    try:
        import torch
    except ImportError:
        return "cpu"
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise PotentialError("No CUDA device was found; use --device cpu.")
    return "cuda" if found else "cpu"


def _chgnet(variant: str, path: Path | None, device: str) -> Any:
    from chgnet.model import CHGNet
    from chgnet.model.dynamics import CHGNetCalculator

    class MdCalculator(CHGNetCalculator):  # type: ignore[misc]
        """CHGNet with only what an MD step needs, in about half of the time.

        Left out are magnetic moments, the stress until it is first requested, and second
        derivatives.
        """

        task = "ef"

        def calculate(
            self, atoms: Any = None, properties: Any = None, system_changes: Any = None
        ) -> None:
            """Compute energy and forces, and the stress once it was requested.

            Args:
                atoms: ASE ``Atoms``, periodic.
                properties: names of what is requested, as ASE passes them.
                system_changes: names of what changed since the last call, as ASE passes them.
            """
            if properties and "stress" in properties:
                self.task = "efs"
            with first_derivatives_only():
                super().calculate(atoms, properties, system_changes, task=self.task)

    model = (
        CHGNet.load(model_name=variant, verbose=False)
        if path is None
        else CHGNet.from_dict(load_weights(path)["model"])
    )
    model.requires_grad_(False)
    return MdCalculator(model=model, use_device=device, on_isolated_atoms="ignore")


@contextlib.contextmanager
def first_derivatives_only() -> Iterator[None]:
    """Keep torch from recording the graph of the gradients.

    CHGNet always requests it for its training, and has no option for it.
    """
    import torch

    grad = torch.autograd.grad

    def first(*inputs: Any, **options: Any) -> Any:
        return grad(*inputs, **{**options, "create_graph": False})

    torch.autograd.grad = first
    try:
        yield
    finally:
        torch.autograd.grad = grad


def _sevennet(variant: str, path: Path | None, device: str) -> Any:
    """SevenNet by its own name, or by file; after a colon the data that it is to speak for."""
    from sevenn.calculator import SevenNetCalculator

    name, _, modal = variant.partition(":")
    source = name if path is None else require_weights_alone(str(path))
    return SevenNetCalculator(source, device=device, modal=modal or None)


def _mace(variant: str, path: Path | None, device: str) -> Any:
    from mace.calculators import MACECalculator

    return MACECalculator(model_paths=str(path), device=device)


def _mattersim(variant: str, path: Path | None, device: str) -> Any:
    from mattersim.forcefield import MatterSimCalculator

    return MatterSimCalculator(load_path=require_weights_alone(str(path)), device=device)


def _orb(variant: str, path: Path | None, device: str) -> Any:
    from orb_models.forcefield import pretrained
    from orb_models.forcefield.calculator import ORBCalculator

    model = pretrained.orb_v2(weights_path=require_weights_alone(str(path)), device=device)
    return ORBCalculator(model, device=device)


def _grace(variant: str, path: Path | None, device: str) -> Any:
    """GRACE from a folder that TensorFlow saved; TensorFlow chooses the device."""
    from tensorpotential.calculator import TPCalculator

    return TPCalculator(str(path))


def _nequix(variant: str, path: Path | None, device: str) -> Any:
    """Nequix with JAX, whose files are numbers alone; JAX chooses the device."""
    from nequix.calculator import NequixCalculator

    if path is None or path.suffix != ".nqx":
        raise PotentialError(f"{path} is no .nqx file; Nequix is read from that format alone.")
    return NequixCalculator(model_path=str(path), backend="jax", use_kernel=device == "cuda")


def _uma(variant: str, path: Path | None, device: str) -> Any:
    """UMA for inorganic materials, its task ``omat``."""
    from fairchem.core import FAIRChemCalculator
    from fairchem.core.units.mlip_unit import load_predict_unit

    return FAIRChemCalculator(load_predict_unit(str(path), device=device), task_name="omat")


RECIPES = {
    "chgnet": _chgnet,
    "sevennet": _sevennet,
    "mace": _mace,
    "mattersim": _mattersim,
    "orb": _orb,
    "grace": _grace,
    "nequix": _nequix,
    "uma": _uma,
}
"""Family → function of variant, file and device (cpu or cuda) that makes its calculator."""
