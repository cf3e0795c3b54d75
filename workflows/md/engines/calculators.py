"""ASE calculators by name: CHGNet, other potentials that are installed, or any class.

Only CHGNet carries its parameters in its package; the others take a file (``model_path``).
"""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualion.structures.errors import InputError, MissingDependencyError
from dualion.workflows.campaign.screening_options import known_name
from dualion.workflows.md.engines.weights import load_weights, require_weights_alone

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

Make = Callable[[Path | None, str], Any]


def _chgnet(model_path: Path | None, device: str) -> Any:
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
        CHGNet.from_dict(load_weights(model_path)["model"])
        if model_path
        else CHGNet.load(verbose=False)
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


def _mace(model_path: Path | None, device: str) -> Any:
    from mace.calculators import MACECalculator

    return MACECalculator(model_paths=require_parameters_file(model_path, "mace"), device=device)


def _sevennet(model_path: Path | None, device: str) -> Any:
    from sevenn.calculator import SevenNetCalculator

    path = require_parameters_file(model_path, "sevennet")
    return SevenNetCalculator(require_weights_alone(path), device=device)


def _mattersim(model_path: Path | None, device: str) -> Any:
    from mattersim.forcefield import MatterSimCalculator

    path = require_parameters_file(model_path, "mattersim")
    return MatterSimCalculator(load_path=require_weights_alone(path), device=device)


def _orb(model_path: Path | None, device: str) -> Any:
    from orb_models.forcefield import pretrained
    from orb_models.forcefield.calculator import ORBCalculator

    path = require_parameters_file(model_path, "orb")
    model = pretrained.orb_v2(weights_path=require_weights_alone(path), device=device)
    return ORBCalculator(model, device=device)


CALCULATORS: dict[str, tuple[Make, str]] = {
    "chgnet": (_chgnet, "pip install torch==2.13.0 && pip install 'dualion[mlip]'"),
    "mace": (_mace, "pip install mace-torch"),
    "sevennet": (_sevennet, "pip install sevenn"),
    "mattersim": (_mattersim, "pip install mattersim"),
    "orb": (_orb, "pip install orb-models"),
}
"""Name → function that makes the calculator, and command that installs its package."""


def make_calculator(
    name: str, *, model_path: str | Path | None = None, device: str = "auto"
) -> Calculator:
    """Make an ASE calculator.

    Args:
        name: one of ``CALCULATORS``, or ``package.module:Class`` of any ASE calculator, which is
            made as ``Class()``, or as ``Class(model_path)`` where a path is given.
        model_path: file of the potential's parameters.
        device: auto, cpu or cuda.

    Raises:
        MissingDependencyError: its package is not installed.
        InputError: it is unknown, its file is missing, or it cannot be made.
    """
    path = Path(model_path).expanduser() if model_path else None
    if path is not None and not path.is_file():
        raise InputError(f"There is no model file {path}; check --model-path.")
    make, install = _find_recipe(name)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # some print the model that they load
            return make(path, resolve_device(device))
    except ImportError as error:
        raise MissingDependencyError(
            f"The engine {name} needs a package that is not installed ({error.name}); install it "
            f"with: {install}"
        ) from error
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"The engine {name} cannot be made: {error}.") from error


def is_calculator(name: str) -> bool:
    """Whether a name can be that of an ASE calculator."""
    return name in CALCULATORS or ":" in name


def _find_recipe(name: str) -> tuple[Make, str]:
    if name in CALCULATORS:
        return CALCULATORS[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        known_name("calculator", name, CALCULATORS)

    def imported(path: Path | None, _: str) -> Any:
        try:
            kind = getattr(importlib.import_module(module), attribute)
        except AttributeError as error:
            raise InputError(f"The module {module} holds no {attribute}.") from error
        return kind(str(path)) if path else kind()

    return imported, f"pip install the package that holds {module}"


def resolve_device(name: str) -> str:
    """Resolve the name of a device to cpu or cuda.

    Raises:
        InputError: it is unknown, or not available.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"There is no device {name!r}; choose auto, cpu or cuda.")
    if name == "cpu":
        return name
    try:
        import torch
    except ImportError:
        return "cpu"
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise InputError("No CUDA device was found; use --device cpu.")
    return "cuda" if found else "cpu"


def require_parameters_file(model_path: Path | None, name: str) -> str:
    """Require the file of parameters of an engine that does not carry its own.

    Args:
        model_path: the file, or None.
        name: of the engine.

    Raises:
        InputError: none was given.
    """
    if model_path is None:
        raise InputError(
            f"The engine {name} needs a file of its parameters; give --model-path FILE."
        )
    return str(model_path)
