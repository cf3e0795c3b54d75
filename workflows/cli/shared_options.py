"""Options that several commands have, told in one place."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dualion.structures.errors import InputError

if TYPE_CHECKING:
    from dualion.workflows.campaign.anode_stability import PhaseSource

RunFolderArgument = Annotated[
    Path, typer.Argument(help="Folder of a finished run or campaign.", show_default=False)
]
Inputs = Annotated[
    list[str] | None,
    typer.Option(help="Where the structures lie now, if they moved.", show_default=False),
]

MODEL_FILE_HELP = (
    "File of the potential's parameters. A model file can hold a program that runs when it is "
    "loaded: take it from whom you trust."
)
"""Of ``--model-path``, wherever a potential is chosen."""

PYTHON_HELP = (
    "Python interpreter of an environment of the potential's own, such as ~/envs/mace/bin/python; "
    "it needs ASE and the potential's package, not dualion."
)
"""Of ``--python``, wherever a potential is chosen."""

POTENTIAL_HELP = (
    "A potential by its name (dualion doctor lists them), or package.module:Class of an ASE "
    "calculator."
)
"""Of ``--engine``, where only potentials are taken."""


def max_hull(panel: str) -> Any:
    """``--max-hull``, under a heading of the help."""
    return typer.Option(help="Largest energy above the hull, eV/atom.", rich_help_panel=panel)


def min_gap(panel: str) -> Any:
    """``--min-gap``, under a heading of the help."""
    return typer.Option(help="Smallest band gap, eV.", rich_help_panel=panel)


def limit(panel: str) -> Any:
    """``--limit``, under a heading of the help."""
    return typer.Option(help="Most entries of each source.", rich_help_panel=panel)


def offline(panel: str | None = None) -> Any:
    """``--offline``, under a heading of the help."""
    return typer.Option("--offline", help="Use the cache alone.", rich_help_panel=panel)


def anode_reactions(panel: str | None = None) -> Any:
    """``--anode-reactions``, under a heading of the help."""
    return typer.Option(
        "--anode-reactions",
        help="Add the reaction of each candidate with the metal of its cation, from Materials "
        "Project energies.",
        rich_help_panel=panel,
    )


def phases(*, offline: bool) -> PhaseSource:
    """Stable phases of a chemical system, from the Materials Project or its cache."""
    from dualion.structures.sources import Access
    from dualion.structures.sources.materials_project.phases import stable_phases

    return partial(stable_phases, access=Access(offline=offline))


def weights_of(texts: Iterable[str]) -> dict[str, float]:
    """Weights of the ranking from ``PART=NUMBER``.

    Raises:
        InputError: one is written in another way.
    """
    found = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise InputError(f"Write --weight as PART=NUMBER, not {text!r}.") from None
    return found
