"""``dualion status``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("status")(status)


def status(
    campaign: Annotated[
        Path, typer.Argument(help="campaign.yaml, or its folder.", show_default=False)
    ] = Path("campaign.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Show how a campaign stands: done, left, failures, the driver, the queue."""
    from dualion.workflows.campaign.status import campaign_status
    from dualion.workflows.campaign.yaml_reader import load_campaign

    found = campaign_status(load_campaign(campaign))
    if as_json:
        import json

        typer.echo(json.dumps(found, indent=2))
        return
    for line in lines(found):
        typer.echo(line)


def lines(found: dict[str, Any]) -> list[str]:
    """The status for a reader."""
    said = [
        f"{found['campaign']} in {found['folder']}",
        f"structures: {found['structures']}, done {found['done']}, left {found['left']}"
        + (f" (about {found['expected_s']:.0f} s on one core)" if found["left"] else ""),
    ]
    for outcome, count in sorted(found["rows"].items()):
        said.append(f"rows {outcome}: {count}")
    driver = found["driver"]
    if driver["running"]:
        state = driver["state"]
        rate = f", {state['rate_per_s']:.1f}/s" if state.get("rate_per_s") else ""
        said.append(
            f"running: process {state.get('pid')} on {state.get('host')}, "
            f"{state.get('done', 0)}/{state.get('total', 0)}{rate}"
        )
    else:
        said.append("not running")
    said += [_submission_line(submission) for submission in found["submissions"]]
    return said


def _submission_line(submission: dict[str, Any]) -> str:
    states = ", ".join(f"{state} {count}" for state, count in submission["queue"].items())
    queue = f"queue: {states or 'none left'}"
    if submission["queue_problem"]:
        problem = submission["queue_problem"]
        queue = f"queue: {problem[:1].lower()}{problem[1:]}"
    elif submission["merged"]:
        queue += ", merged"
    return (
        f"submission {submission['name']}: job {submission['job_id']}, {submission['shards']} "
        f"shards, {submission['done']}/{submission['structures']} structures, {queue}"
    )
