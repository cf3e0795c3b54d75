"""``dualion submit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dualion.workflows.execution.schedulers import ARRAY_SCHEDULERS


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("submit")(submit)


def submit(
    campaign: Annotated[
        Path, typer.Argument(help="campaign.yaml, or its folder.", show_default=False)
    ] = Path("campaign.yaml"),
    scheduler: Annotated[
        str, typer.Option(help=f"Batch system: {', '.join(ARRAY_SCHEDULERS)}.")
    ] = "slurm",
    shards: Annotated[int, typer.Option(help="Jobs of the array.")] = 10,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write shards and scripts, submit nothing.")
    ] = False,
) -> None:
    """Put what is left of a campaign into the queue of a cluster, as a job array.

    The campaign is cut into shards of equal estimated cost; each job computes one and can be
    started again. A last job merges them and writes the tables. Queue, account, walltime, cores
    and memory are those of the campaign's cluster block.
    """
    from dualion.workflows.campaign.run import open_campaign
    from dualion.workflows.campaign.screening_options import within
    from dualion.workflows.campaign.submission import SHARDS_MOST, submit_campaign
    from dualion.workflows.campaign.yaml_reader import load_campaign

    within("number of shards", shards, (1, SHARDS_MOST))
    asked = load_campaign(campaign)
    with open_campaign(asked) as (store, _):
        found = submit_campaign(asked, store, scheduler=scheduler, shards=shards, dry_run=dry_run)
    if found is None:
        typer.echo("Nothing is left to compute; write the tables with: dualion run")
        return
    submission, content = found
    typer.echo(f"Submission {submission.name}: {content['shards']} shards in {submission.folder}")
    if dry_run:
        typer.echo(f"Nothing was submitted; look at {submission.folder / 'array.sh'}")
        return
    typer.echo(
        f"Jobs {content['jobs'][0]} (array) and {content['jobs'][1]} (merging). "
        "Watch them with: dualion status"
    )
