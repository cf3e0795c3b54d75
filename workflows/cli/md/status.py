"""``dualion md status``: show the status of the runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from dualion.structures.errors import InputError
from dualion.workflows.cli.md.options import Folder

if TYPE_CHECKING:
    from dualion.workflows.md.folder import MdFolder
    from dualion.workflows.md.reconcile import RunStatus

WAIT_S = 2.0
"""Longest wait for another writer of the store, s."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("status")(status)


def status(
    folder: Folder = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Show the status of the runs; update the store from their folders and the queue.

    Where the folder or the disk cannot be written to, the status is shown all the same.
    """
    from dualion.workflows.cli.md.status_view import print_runs, to_records
    from dualion.workflows.md.folder import MdFolder

    statuses = _reconcile_if_writable(MdFolder.open(folder))
    if as_json:
        typer.echo(json.dumps(to_records(statuses), indent=2))
    else:
        print_runs(Console(), statuses)


def _reconcile_if_writable(folder: MdFolder) -> list[RunStatus]:
    """Inspect the runs, and update the store unless it is busy or cannot be written to."""
    from dualion.workflows.md.reconcile import inspect_runs, reconcile

    with folder.reading() as runs:
        statuses = inspect_runs(folder, runs.all())
    try:
        with folder.writing(wait_s=WAIT_S) as runs:
            return reconcile(folder, runs)
    except (InputError, OSError) as error:
        typer.echo(f"The store is not updated: {error}", err=True)
    return statuses
