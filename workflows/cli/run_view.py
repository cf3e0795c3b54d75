"""The live view of a run: rate, time left, failures by kind, the best candidates so far."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.text import Text

from dualion.workflows.cli.screen_view import candidate_table

if TYPE_CHECKING:
    from dualion.workflows.campaign.config import Campaign
    from dualion.workflows.campaign.driver import Progress

PLAIN_EVERY_S = 30.0
"""How often a line is printed where there is no terminal, s."""

SHOWN = 5
"""Candidates that are shown while the run goes on."""


class LiveView:
    """Draws how a run stands, or prints a line now and then where there is no terminal."""

    def __init__(self, console: Console, campaign: Campaign, stop: threading.Event) -> None:
        from rich.live import Live

        self._console, self._campaign, self._stop = console, campaign, stop
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
            return Group(Text(f"{self._campaign.name}: {self._stage} …"))

        lines: list[Any] = [Text(f"{self._campaign.name}: {headline(progress, self._stage)}")]
        if progress.failures:
            kinds = ", ".join(f"{kind} {n}" for kind, n in progress.failures.most_common())
            lines.append(Text(f"failed: {kinds}", style="red"))
        if progress.dashboard:
            lines.append(Text(f"dashboard: {progress.dashboard}", style="dim"))
        if self._stop.is_set():
            lines.append(Text("stopping: finishing what is in flight …", style="yellow"))
        if progress.best:
            dimensionality = self._campaign.criterion.dimensionality
            lines.append(
                candidate_table(
                    progress.best,
                    dimensionality=dimensionality,
                    most=SHOWN,
                    width=self._console.width,
                    count=progress.found,
                )
            )
        return Group(*lines)


def headline(progress: Progress, stage: str) -> str:
    """Counts, rate and time left in one line."""
    left_s = (progress.total - progress.done) / progress.rate if progress.done else 0.0
    minutes, seconds = divmod(int(left_s), 60)
    hours, minutes = divmod(minutes, 60)
    failed = sum(progress.failures.values())
    return (
        f"{stage} {progress.done}/{progress.total}, {progress.rate:.1f}/s, "
        f"{hours}:{minutes:02d}:{seconds:02d} left, {progress.found} pass, "
        f"{progress.rejected} rejected, {failed} failed"
    )
