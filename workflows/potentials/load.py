"""ASE calculators by name: potentials with a card, or any class; here or in another environment.

MD, dope and neb take their potentials from here. Those in wheels carry their parameters in their
packages; the others take a file (``model_path``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualion.structures.errors import InputError, MissingDependencyError
from dualion.workflows.campaign.screening_options import known_name
from dualion.workflows.potentials.cards import CARDS
from dualion.workflows.potentials.remote import RemoteCalculator, RemoteError
from dualion.workflows.potentials.standalone import recipes
from dualion.workflows.potentials.standalone.errors import PotentialError

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator


def make_calculator(
    name: str,
    *,
    model_path: str | Path | None = None,
    device: str = "auto",
    python: str | None = None,
) -> Calculator:
    """Make an ASE calculator.

    Args:
        name: one of ``CARDS``, or ``package.module:Class`` of any ASE calculator, which is made as
            ``Class()``, or as ``Class(model_path)`` where a path is given.
        model_path: file of the potential's parameters.
        device: auto, cpu or cuda.
        python: interpreter of an environment of its own, which holds ASE and the potential; None
            for this one.

    Raises:
        MissingDependencyError: its package is not installed.
        InputError: it is unknown, its file is missing, or it cannot be made.
    """
    require_name(name)
    path = str(model_path) if model_path else None
    try:
        if python is not None:
            return RemoteCalculator(python, _request(name, path, device), label=name)
        if name not in CARDS:
            return recipes.make_by_class(name, path)
        card = CARDS[name]
        return recipes.make(card.family, card.variant, path, device)
    except ImportError as error:
        raise _missing(name, error.name or str(error)) from error
    except RemoteError as error:
        if error.missing is not None:
            raise _missing(name, error.missing, python) from error
        raise InputError(f"The engine {name} cannot be made in {python}: {error}.") from error
    except PotentialError as error:
        raise InputError(str(error)) from error
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"The engine {name} cannot be made: {error}.") from error


def _request(name: str, model_path: str | None, device: str) -> dict[str, Any]:
    """What the other environment is asked to make."""
    card = CARDS.get(name)
    return {
        "class": "" if card else name,
        "family": card.family if card else "",
        "variant": card.variant if card else "",
        "model_path": str(Path(model_path).expanduser().resolve()) if model_path else None,
        "device": device,
    }


def _missing(name: str, package: str, python: str | None = None) -> MissingDependencyError:
    card = CARDS.get(name)
    install = card.install if card else f"pip install the package that holds {package}"
    where = f" in the environment of {python}" if python else ""
    return MissingDependencyError(
        f"The engine {name} needs a package that is not installed{where} ({package}); install it "
        f"with: {install}"
    )


def is_calculator(name: str) -> bool:
    """Whether a name can be that of an ASE calculator."""
    return name in CARDS or _names_a_class(name)


def require_name(name: str) -> None:
    """Require that a name can be that of an ASE calculator.

    Raises:
        InputError: it cannot; the message names the closest one that can.
    """
    if not is_calculator(name):
        known_name("calculator", name, CARDS)


def require_elements(name: str, elements: tuple[str, ...]) -> None:
    """Require that a potential was trained on some elements.

    Args:
        name: of the potential; one without a card is taken to know them.
        elements: symbols.

    Raises:
        InputError: it was not.
    """
    card = CARDS.get(name)
    unknown = card.unknown_elements(elements) if card else ()
    if unknown:
        raise InputError(
            f"{name} was not trained on {', '.join(unknown)}; its numbers would mean nothing. "
            "Choose another potential (dualion doctor lists them) or a DFT engine."
        )


def _names_a_class(name: str) -> bool:
    module, colon, attribute = name.partition(":")
    words = [*module.split("."), *attribute.split(".")]
    return bool(colon) and all(word.isidentifier() for word in words)


def resolve_device(name: str) -> str:
    """Resolve the name of a device to cpu or cuda.

    Raises:
        InputError: it is unknown, or not available.
    """
    try:
        return recipes.resolve_device(name)
    except PotentialError as error:
        raise InputError(str(error)) from error
