"""``dualion md run``: compute the queued runs on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dualion.workflows.cli.md.options import Folder, Ids, Retry
from dualion.workflows.execution.signals import stop_on_signal
from dualion.workflows.md.states import RunState


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("run")(run)


def run(
    folder: Folder = Path(),
    workers: Annotated[
        int, typer.Option(min=0, help="Runs at a time; 0 for as many as cores or GPUs allow.")
    ] = 0,
    device: Annotated[
        str, typer.Option(help="auto, cpu or cuda, for learned potentials.")
    ] = "auto",
    limit_s: Annotated[
        float | None, typer.Option(help="Time after which every run goes to a checkpoint, s.")
    ] = None,
    ids: Ids = None,
    retry_failed: Retry = False,
    batch: Annotated[
        int, typer.Option(min=1, help="Runs of one potential computed as a batch, with torch-sim.")
    ] = 1,
) -> None:
    """Compute the queued runs on this machine, each segment a Dask task.

    Ctrl-C brings every run to a checkpoint; the same command continues from there. A run whose
    process is killed continues by itself from its last checkpoint.
    """
    from dualion.workflows.campaign.screening_options import known_name
    from dualion.workflows.cli.md.status_view import MdView, print_runs
    from dualion.workflows.md.folder import MdFolder
    from dualion.workflows.md.run.local import LocalOptions, run_local

    known_name("device", device, ("auto", "cpu", "cuda"))
    where = MdFolder.open(folder)
    options = LocalOptions(
        workers=workers,
        device=device,
        limit_s=limit_s if limit_s is not None else float("inf"),
        ids=tuple(ids or ()),
        retry_failed=retry_failed,
        batch=batch,
    )
    console = Console()
    with stop_on_signal() as stop, MdView(console, stop) as view:
        statuses = run_local(where, options, stop=stop, on_update=view.update)
    print_runs(console, statuses)
    left = [one for one in statuses if one.state in (RunState.PREPARED, RunState.PAUSED)]
    if left:
        console.print(
            f"{len(left)} runs are not finished; continue with: dualion md run {where.path}",
            highlight=False,
        )
        raise typer.Exit(130 if stop.is_set() else 0)
    if any(one.state is RunState.DONE for one in statuses):
        console.print(
            f"Collect the results with: dualion md collect {where.path}",
            highlight=False,
        )
