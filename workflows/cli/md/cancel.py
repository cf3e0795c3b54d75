"""``dualion md cancel``: cancel runs and their jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dualion.workflows.cli.md.options import Folder, Ids


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("cancel")(cancel)


def cancel(
    folder: Folder = Path(),
    ids: Ids = None,
    forget: Annotated[
        bool,
        typer.Option(
            "--forget",
            help="Ask no queue: note that it has none of the runs any more. For queues that will "
            "not answer again.",
        ),
    ] = False,
) -> None:
    """Cancel runs that have not ended; what they computed is kept, md queue continues them."""
    from dualion.workflows.md.cancel import cancel_runs
    from dualion.workflows.md.folder import MdFolder

    count, told = cancel_runs(MdFolder.open(folder), ids or (), forget=forget)
    jobs = f" The queue was told to end {', '.join(told)}." if told else ""
    typer.echo(f"{count} runs are cancelled.{jobs}")
