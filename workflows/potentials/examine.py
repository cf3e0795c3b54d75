"""Which potentials can be used here: packages, parameters, device; nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dualion.workflows.potentials.cards import CARDS, PotentialCard
from dualion.workflows.potentials.remote import take_inventory
from dualion.workflows.potentials.standalone.inventory import find_packages

USUAL_ATOMS = 64
USUAL_STEP_FS = 2.0
"""Cell and time step for which speeds are told."""

SECONDS_PER_DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PotentialFinding:
    """What was found of one potential.

    Attributes:
        card: of the potential.
        usable: whether it can be used here and now, with a file where it needs one.
        detail: one sentence: what was found, or what is missing and how to get it.
    """

    card: PotentialCard
    usable: bool
    detail: str


def examine_potentials(*, python: str | None = None) -> list[PotentialFinding]:
    """Examine every potential with a card.

    Args:
        python: interpreter of an environment of its own; None for this one.

    Raises:
        InputError: there is no such interpreter.
    """
    packages = {card.module: card.package for card in CARDS.values()}
    found: Mapping[str, Any] = (
        find_packages(packages) if python is None else take_inventory(python, packages)
    )
    return [_examine(card, found.get(card.module)) for card in CARDS.values()]


def _examine(card: PotentialCard, package: Mapping[str, str] | None) -> PotentialFinding:
    if package is None:
        missing = f"{card.package} is not installed: {card.install}"
        return PotentialFinding(card=card, usable=False, detail=missing)
    name = f"{card.package} {package['version']}".strip()
    if card.needs_file:
        detail = f"{name}; takes a file of parameters: --model-path FILE"
        return PotentialFinding(card=card, usable=True, detail=detail)
    if not (Path(package["folder"]) / card.weights).is_file():
        detail = f"{name} lacks its parameters, {Path(card.weights).name}; install it anew"
        return PotentialFinding(card=card, usable=False, detail=detail)
    return PotentialFinding(card=card, usable=True, detail=f"{name}, parameters in the package")


def find_gpus() -> int:
    """Count the NVIDIA GPUs of this machine, by their device files."""
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


def ps_per_day(
    s_per_atom: float, *, atoms: int = USUAL_ATOMS, step_fs: float = USUAL_STEP_FS
) -> float:
    """Convert the time of a force call to simulated time, ps a day.

    Args:
        s_per_atom: of a force call, s.
        atoms: of the cell.
        step_fs: time step, fs.
    """
    return SECONDS_PER_DAY / (s_per_atom * atoms) * step_fs / 1000.0


def finding_of_class(name: str) -> PotentialFinding:
    """Make the finding of a class without a card.

    Args:
        name: ``package.module:Class``.
    """
    card = PotentialCard(
        name=name,
        title=name,
        family="",
        package=name.split(".")[0],
        module=name.partition(":")[0],
        training="",
        functional="",
        doi="",
        licence="",
        s_per_atom=float("nan"),
        install="",
    )
    return PotentialFinding(card=card, usable=True, detail="a class; test it with --run")
