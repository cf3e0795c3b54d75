"""A bar that counts what is done, with a word on what is being done now."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn


class LiveBar:
    """A bar with one task, drawn while it is entered.

    Args:
        console: where it is drawn.
        description: in front of the bar.
        times: the column of time behind the counts.
        total: expected count; None while unknown.
    """

    def __init__(
        self, console: Console, description: str, times: ProgressColumn, total: int | None = None
    ) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=14),
            MofNCompleteColumn(),
            times,
            TextColumn("{task.fields[now]}"),
            console=console,
        )
        self._task = self._progress.add_task(description, total=total, now="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
