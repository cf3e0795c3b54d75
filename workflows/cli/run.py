"""``dualion run``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualion.workflows.cli import shared_options
from dualion.workflows.cli.run_view import LiveView, report_result
from dualion.workflows.execution.signals import stop_on_signal

if TYPE_CHECKING:
    from rich.console import Console

    from dualion.workflows.campaign.config import Campaign

CAMPAIGN = typer.Argument(help="campaign.yaml, or its folder.", show_default=False)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("run")(run)


def run(
    campaign: Annotated[Path, CAMPAIGN] = Path("campaign.yaml"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and compute nothing.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run failed structures once more.")
    ] = False,
    merge_only: Annotated[
        bool, typer.Option("--merge-only", help="Take over what shards have, compute nothing.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(help="Processes here, whatever the campaign says.")
    ] = None,
    anode_reactions: Annotated[bool, shared_options.anode_reactions()] = False,
    offline: Annotated[bool, shared_options.offline()] = False,
) -> None:
    """Run a campaign, or resume it: only what is missing is computed.

    Ctrl-C finishes the structures at work, saves, and says how to go on. A changed criterion
    computes nothing; changed ions compute the new pairs; changed conventions compute everything.
    """
    from rich.console import Console

    from dualion.workflows.campaign.run import run_campaign
    from dualion.workflows.campaign.yaml_reader import load_campaign

    asked = load_campaign(campaign)
    if workers is not None:
        asked = _with_workers(asked, workers)
    if offline:
        block = asked.run.model_copy(update={"offline": True})
        asked = asked.model_copy(update={"run": block})
    console = Console()
    if dry_run:
        _print_plan(console, asked)
        return
    with stop_on_signal() as stop, LiveView(console, stop) as view:
        view.campaign(asked)
        result = run_campaign(
            asked,
            retry_failed=retry_failed,
            merge_only=merge_only,
            phases=shared_options.phases(offline=offline) if anode_reactions else None,
            on_stage=view.stage,
            on_progress=view.update,
            stop=stop,
        )
    target = asked.folder if asked.is_screening else asked.folder / asked.file
    again = shlex.join(["dualion", "run", str(target)])
    report_result(console, result, asked.criterion.dimensionality, again=again)
    if result.left:
        raise typer.Exit(130)


def _with_workers(asked: Campaign, workers: int) -> Campaign:
    from dualion.workflows.campaign.screening_options import within

    within("number of workers", workers, (0, 4096))
    block = asked.cluster.model_copy(update={"workers": workers})
    return asked.model_copy(update={"cluster": block})


def _print_plan(console: Console, asked: Campaign) -> None:
    from dualion.workflows.campaign.preview import preview

    for name, text in preview(asked):
        console.print(f"[bold]{name:>12}[/bold]  ", end="")
        console.print(text, markup=False, highlight=False)
