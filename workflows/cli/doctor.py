"""``dualion doctor``: which sources can be used here, and what the others lack."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("doctor")(doctor)


def doctor(
    online: Annotated[
        bool, typer.Option("--online", help="Also ask the services whether they answer.")
    ] = False,
) -> None:
    """Say for each source of structures whether it is usable here and what is missing."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from dualion.structures.sources.cache import Cache
    from dualion.structures.sources.doctor import examine_sources

    table = Table(box=None, pad_edge=False)
    for name in ("source", "usable", "detail"):
        table.add_column(name, overflow="fold")
    for finding in examine_sources(Cache(), online=online):
        mark = Text("yes", style="green") if finding.usable else Text("no", style="yellow")
        table.add_row(Text(finding.source), mark, Text(finding.detail))
    Console().print(table)
