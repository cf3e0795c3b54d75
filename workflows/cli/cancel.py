"""``dualion cancel``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dualion.workflows.campaign.shards import submissions
from dualion.workflows.campaign.submission import cancel as take_out
from dualion.workflows.campaign.submission import queue_states
from dualion.workflows.campaign.yaml_reader import load_campaign


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("cancel")(cancel)


def cancel(
    campaign: Annotated[
        Path, typer.Argument(help="campaign.yaml, or its folder.", show_default=False)
    ] = Path("campaign.yaml"),
) -> None:
    """Take a campaign's jobs out of the queue; what they have done is kept."""
    asked = load_campaign(campaign)
    told: list[str] = []
    for submission in submissions(asked.folder):
        content = submission.read()
        if not content["merged"] and queue_states(content):
            told += take_out(submission)
    if told:
        typer.echo(
            f"Told the queue to end {', '.join(told)}. What was done is kept; go on with "
            "dualion submit or dualion run."
        )
    else:
        typer.echo("No job of this campaign is in the queue.")
