"""``dualion run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualion.workflows.campaign.preview import preview
from dualion.workflows.campaign.run import run_campaign
from dualion.workflows.campaign.screening_options import within
from dualion.workflows.campaign.yaml_reader import load_campaign
from dualion.workflows.cli.run_view import LiveView
from dualion.workflows.cli.screen_view import candidate_table, funnel_table
from dualion.workflows.execution.signals import stop_on_signal

if TYPE_CHECKING:
    from rich.console import Console

    from dualion.workflows.campaign.config import Campaign
    from dualion.workflows.campaign.run import RunResult

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
) -> None:
    """Run a campaign, or resume it: only what is missing is computed.

    Ctrl-C finishes what is in flight, saves, and says how to go on. A changed criterion computes
    nothing; changed ions compute the new pairs; changed conventions compute everything.
    """
    from rich.console import Console

    asked = load_campaign(campaign)
    if workers is not None:
        asked = _with_workers(asked, workers)
    console = Console()
    if dry_run:
        _print_plan(console, asked)
        return
    result = _run(console, asked, retry_failed=retry_failed, merge_only=merge_only)
    _report(console, asked, result)
    if result.left:
        raise typer.Exit(130)


def _with_workers(asked: Campaign, workers: int) -> Campaign:
    within("number of workers", workers, (0, 4096))
    block = asked.cluster.model_copy(update={"workers": workers})
    return asked.model_copy(update={"cluster": block})


def _print_plan(console: Console, asked: Campaign) -> None:
    for name, text in preview(asked):
        console.print(f"[bold]{name:>12}[/bold]  ", end="")
        console.print(text, markup=False, highlight=False)


def _run(console: Console, asked: Campaign, *, retry_failed: bool, merge_only: bool) -> RunResult:
    with stop_on_signal() as stop, LiveView(console, asked, stop) as view:
        return run_campaign(
            asked,
            retry_failed=retry_failed,
            merge_only=merge_only,
            on_stage=view.stage,
            on_progress=view.update,
            stop=stop,
        )


def _report(console: Console, asked: Campaign, result: RunResult) -> None:
    """The best candidates, the funnel, where the files are, and how to go on."""
    if result.upgraded_from:
        console.print(f"The store was of version {result.upgraded_from}; it is up to date now.")
    summary = result.summary
    if summary is None:
        console.print("Nothing to do: every structure is done and the tables are up to date.")
    else:
        if summary.candidates:
            console.print(
                candidate_table(
                    summary.candidates,
                    dimensionality=asked.criterion.dimensionality,
                    most=len(summary.candidates),
                    width=console.width,
                    count=summary.candidate_count,
                )
            )
        else:
            console.print("No pair passes the criterion.")
        console.print(funnel_table(summary.funnel))
    files = result.files
    for path in (files.candidates, files.screened, files.sidecar):
        console.print(f"  {path}", highlight=False, soft_wrap=True)
    if result.left:
        target = asked.folder / asked.file
        console.print(
            f"[yellow]{result.left} structures are left.[/yellow] What was done is saved; go on "
            f"with: dualion run {target}",
            soft_wrap=True,
        )
