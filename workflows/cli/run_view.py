"""The live view of a run: rate, time left, failures by kind, the best candidates so far."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.text import Text

from dualion.results.vocabulary import words
from dualion.workflows.cli.screen_view import candidate_table, funnel_table

if TYPE_CHECKING:
    from dualion.workflows.campaign.config import Campaign
    from dualion.workflows.campaign.driver import Progress
    from dualion.workflows.campaign.run import RunResult
    from dualion.workflows.campaign.sidecar import RunSummary

PLAIN_EVERY_S = 30.0
"""How often a line is printed where there is no terminal, s."""

SHOWN = 5
"""Candidates that are shown while the run goes on."""


class LiveView:
    """Draws how a run stands, or prints a line now and then where there is no terminal."""

    def __init__(self, console: Console, stop: threading.Event) -> None:
        from rich.live import Live

        self._console, self._stop = console, stop
        self._name, self._dimensionality = "", 3
        self._stage = "starting"
        self._progress: Progress | None = None
        self._said_s = time.monotonic()
        self._live = Live(console=console, refresh_per_second=4, get_renderable=self._draw)

    def __enter__(self) -> LiveView:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def campaign(self, campaign: Campaign) -> None:
        """Say which campaign it is."""
        self._name = f"{campaign.name}: "
        self._dimensionality = campaign.criterion.dimensionality

    def stage(self, name: str) -> None:
        """Say what is being done."""
        self._stage = name

    def update(self, progress: Progress) -> None:
        """Show how the run stands."""
        self._progress = progress
        now = time.monotonic()
        if not self._console.is_terminal and now - self._said_s >= PLAIN_EVERY_S:
            self._said_s = now
            self._console.print(headline(progress, self._stage))

    def _draw(self) -> Group:
        progress = self._progress
        if progress is None:
            return Group(Text(f"{self._name}{self._stage} …"))

        lines: list[Any] = [Text(f"{self._name}{headline(progress, self._stage)}")]
        if progress.failures:
            kinds = ", ".join(f"{kind} {n}" for kind, n in progress.failures.most_common())
            lines.append(Text(f"failed: {kinds}", style="red"))
        if progress.dashboard:
            lines.append(Text(f"dashboard: {progress.dashboard}", style="dim"))
        if self._stop.is_set():
            lines.append(Text("stopping: finishing the structures at work …", style="yellow"))
        if progress.best:
            lines.append(
                candidate_table(
                    progress.best,
                    dimensionality=self._dimensionality,
                    most=SHOWN,
                    width=self._console.width,
                    count=progress.found,
                )
            )
        return Group(*lines)


def headline(progress: Progress, stage: str) -> str:
    """Put counts, rate and time left into one line.

    Args:
        progress: of the run.
        stage: what is being done, in a word.
    """
    left_s = (progress.total - progress.done) / progress.rate if progress.done else 0.0
    minutes, seconds = divmod(int(left_s), 60)
    hours, minutes = divmod(minutes, 60)
    failed = sum(progress.failures.values())
    return (
        f"{stage} {progress.done}/{progress.total}, {progress.rate:.1f}/s, "
        f"{hours}:{minutes:02d}:{seconds:02d} left, {progress.found} pass, "
        f"{progress.rejected} rejected, {failed} failed"
    )


def report_result(console: Console, result: RunResult, dimensionality: int, *, again: str) -> None:
    """Print the best candidates, the funnel, where the files are, and how to go on.

    Args:
        console: where to.
        result: what a run left.
        dimensionality: barriers that decide: 1, 2 or 3.
        again: the command that goes on with it.
    """
    if result.upgraded_from:
        console.print(f"The store was of version {result.upgraded_from}; it is up to date now.")
    summary = result.summary
    if summary is None:
        console.print("Nothing to do: every structure is done and the tables are up to date.")
    else:
        _print_tables(console, summary, dimensionality)
    files = result.files
    for path in (files.candidates, files.screened, files.sidecar):
        console.print(f"  {path}", highlight=False, soft_wrap=True)
    if summary and summary.anode_problem:
        console.print(f"Anode reactions: {summary.anode_problem}", highlight=False)
    if result.left:
        console.print(
            f"[yellow]Interrupted: {result.left} structures are left.[/yellow] What was done is "
            "saved; go on with:",
            soft_wrap=True,
        )
        console.print(f"  {again}", markup=False, highlight=False, soft_wrap=True)


def set_aside_line(summary: RunSummary) -> str:
    """Say how many pairs pass and are no candidates, and why; empty where there are none."""
    reasons = summary.funnel.set_aside
    if not reasons:
        return ""
    named = ", ".join(f"{words(name)} {count}" for name, count in reasons.most_common())
    return f"Set aside, though they pass: {named} (column set_aside of screened.csv)."


def _print_tables(console: Console, summary: RunSummary, dimensionality: int) -> None:
    if summary.candidates:
        console.print(
            candidate_table(
                summary.candidates,
                dimensionality=dimensionality,
                most=len(summary.candidates),
                width=console.width,
                count=summary.candidate_count,
            )
        )
    else:
        console.print("No pair is a candidate.")
    console.print(funnel_table(summary.funnel))
    if line := set_aside_line(summary):
        console.print(line, highlight=False)
