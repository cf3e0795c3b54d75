"""``dualion report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("report")(report)


def report(
    folder: Annotated[
        Path, typer.Argument(help="Folder of a finished run or campaign.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The HTML file. Default: report.html in the folder.", show_default=False),
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="Heading. Default: the folder's name.", show_default=False)
    ] = None,
) -> None:
    """Write one HTML page of a run: funnel, plot, table, candidates, what was not done.

    The page holds everything and asks the network for nothing; pass it on as a single file.

    [bold]Example[/bold]

        dualion screen --output my-run && dualion report my-run
    """
    from results.report import write_report
    from results.run_folder import read_run_folder

    run = read_run_folder(folder)
    path = out or folder / "report.html"
    size = write_report(run, path, title=title, details={})
    typer.echo(f"{path}  ({size / 1e6:.1f} MB, {len(run.rows)} rows)")
