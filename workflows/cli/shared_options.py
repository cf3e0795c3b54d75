"""Options that several commands have, told in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

RunFolderArgument = Annotated[
    Path, typer.Argument(help="Folder of a finished run or campaign.", show_default=False)
]
Inputs = Annotated[
    list[str] | None,
    typer.Option(help="Where the structures lie now, if they moved.", show_default=False),
]


def max_hull(panel: str) -> Any:
    """``--max-hull``, under a heading of the help."""
    return typer.Option(help="Largest energy above the hull, eV/atom.", rich_help_panel=panel)


def min_gap(panel: str) -> Any:
    """``--min-gap``, under a heading of the help."""
    return typer.Option(help="Smallest band gap, eV.", rich_help_panel=panel)


def limit(panel: str) -> Any:
    """``--limit``, under a heading of the help."""
    return typer.Option(help="Most entries of each source.", rich_help_panel=panel)


def offline(panel: str) -> Any:
    """``--offline``, under a heading of the help."""
    return typer.Option("--offline", help="Use the cache alone.", rich_help_panel=panel)
