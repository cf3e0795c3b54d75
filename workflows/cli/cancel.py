"""``dualion cancel``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dualion.workflows.execution.batch_queue import QueueSilentError
from dualion.workflows.execution.submission import (
    PENDING,
    Submission,
    cancel_submission,
    forget_jobs,
    list_queued,
    list_submissions,
)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("cancel")(cancel)


def cancel(
    campaign: Annotated[
        Path, typer.Argument(help="campaign.yaml, or its folder.", show_default=False)
    ] = Path("campaign.yaml"),
    forget: Annotated[
        bool,
        typer.Option(
            "--forget",
            help="Ask no queue: note that no job of the campaign is in one any more. For queues "
            "that will not answer again.",
        ),
    ] = False,
) -> None:
    """Cancel the queued jobs of a campaign; what they have done is kept."""
    from dualion.workflows.campaign.yaml_reader import load_campaign

    found = list_submissions(load_campaign(campaign).folder)
    current = [one for one in found if not one.read().get("merged")]
    if forget:
        for submission in current:
            forget_jobs(submission)
        typer.echo(f"{len(current)} submissions are noted as having no job in a queue.")
        return
    told = [job_id for submission in current for job_id in _cancel(submission)]
    if told:
        typer.echo(
            f"Told the queue to end {', '.join(told)}. What was done is kept; go on with "
            "dualion submit or dualion run."
        )
    else:
        typer.echo("No job of this campaign is in the queue.")


def _cancel(submission: Submission) -> list[str]:
    """Ids that the queue was told to end; where it does not list jobs it may still end them."""
    content = submission.read()
    try:
        queued = bool(list_queued(content))
    except QueueSilentError as error:
        told = cancel_submission(content)
        if content.get(PENDING):
            raise QueueSilentError(
                f"{error} Look for it in the queue and end it there, then say so with: "
                "dualion cancel --forget"
            ) from error
        return told
    return cancel_submission(content) if queued else []
