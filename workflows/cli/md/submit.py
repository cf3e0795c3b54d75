"""``dualion md submit``: submit the queued runs to a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dualion.workflows.cli.md.options import Folder, Ids, Retry


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("submit")(submit)


def submit(
    folder: Folder = Path(),
    scheduler: Annotated[str, typer.Option(help="Batch system: slurm, pbs or sge.")] = "slurm",
    segments: Annotated[
        int | None,
        typer.Option(
            "--segments",
            "--pieces",
            min=1,
            max=100,
            help="Arrays that are queued one after another, each continuing where the one before "
            "stopped. Default: as many as the runs are expected to need.",
        ),
    ] = None,
    ids: Ids = None,
    retry_failed: Retry = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write the scripts, submit nothing.")
    ] = False,
) -> None:
    """Submit the queued runs to a cluster, as a job array of segments.

    Walltime, cores, GPUs and a script template come from the md block, queue and account from the
    cluster block. A segment ends at a checkpoint before its walltime; the next array continues.
    """
    from dualion.workflows.md.folder import MdFolder
    from dualion.workflows.md.submission import submit_runs

    where = MdFolder.open(folder)
    submitted = submit_runs(
        where,
        scheduler=scheduler,
        ids=ids or (),
        segments=segments,
        retry_failed=retry_failed,
        dry_run=dry_run,
    )
    if submitted is None:
        typer.echo(f"No run is to be submitted; see: dualion md status {where.path}")
        return
    typer.echo(
        f"Submission {submitted.submission.name}: {submitted.runs} runs in {submitted.elements} "
        f"jobs, {submitted.segments} segments of {submitted.limit_s} s one after another"
    )
    if dry_run:
        script = submitted.submission.folder / "segment-01.sh"
        typer.echo(f"Nothing was submitted; look at {script}")
        return
    typer.echo(
        f"Jobs {', '.join(submitted.jobs)}. Monitor them with: dualion md status {where.path}"
    )
