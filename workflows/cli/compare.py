"""``dualion compare``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualion.results.comparison import compare_runs
from dualion.results.run_folder import read_run_folder

if TYPE_CHECKING:
    from rich.console import Console

    from dualion.results.comparison import Change, Comparison

SHOWN = 30


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("compare")(compare)


def compare(
    first: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    second: Annotated[Path, typer.Argument(help="Folder of another.", show_default=False)],
    most: Annotated[int, typer.Option(help="Lines of each kind; 0 for all.", min=0)] = SHOWN,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Compare two runs: which candidates entered, left and moved, and why.

    [bold]Example[/bold]

        dualion compare run-2025 run-2026
    """
    found = compare_runs(read_run_folder(first), read_run_folder(second))
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(found), indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    _show(Console(), found, most or len(found.changes))


def _show(console: Console, found: Comparison, most: int) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console.print(
        f"{found.shared} rows in both, {found.changed_barriers} of them with other barriers; "
        f"{found.only_first} only in the first, {found.only_second} only in the second."
    )
    if found.settings:
        table = Table(
            title="Settings and versions that differ", title_justify="left", box=box.SIMPLE
        )
        for name in ("", "first", "second"):
            table.add_column(name, overflow="fold")
        for line in found.settings:
            table.add_row(*(Text(text) for text in line))
        console.print(table)
    for kind in ("entered", "left", "moved"):
        changes = [change for change in found.changes if change.kind == kind]
        console.print(f"[bold]{kind.capitalize()}:[/bold] {len(changes) or 'none'}")
        for change in changes[:most]:
            console.print(Text(f"  {_line(change)}"), soft_wrap=True)
        if len(changes) > most:
            console.print(f"  … and {len(changes) - most} more; --most 0 shows all")


def _line(change: Change) -> str:
    ranks = {
        "entered": f"#{change.after}",
        "left": f"#{change.before}",
        "moved": f"#{change.before} → #{change.after}",
    }
    _, name, cation, anion = change.pair
    return f"{ranks[change.kind]} {change.formula} ({name}) {cation} {anion}: {change.why}"
