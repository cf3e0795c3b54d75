"""Status of MD runs in the terminal: the tables of the live view and of ``md status``."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dualion.workflows.cli.md.needed_view import list_needed, needed_text
from dualion.workflows.md.reconcile import RunStatus
from dualion.workflows.md.states import RunState

PLAIN_INTERVAL_S = 30.0
"""Time between two printed lines where there is no terminal, s."""

SHOWN = 40
"""Most rows of the live view."""

STYLES = {
    RunState.RUNNING: "green",
    RunState.DONE: "bold green",
    RunState.FAILED: "red",
    RunState.CANCELLED: "dim",
    RunState.SUBMITTED: "cyan",
}


WIDTHS = {
    "run": 6, "K": 4, "state": 9, "ps": 9, "ps/day": 6, "left": 6, "MSD / Å²": 10, "N_eff": 10,
    "core-h": 6, "GPU-h": 6,
}  # fmt: skip
"""Least widths of columns, the same in every table so that tables line up."""


def make_run_tables(statuses: Sequence[RunStatus], *, most: int | None = None) -> Group:
    """Make one table a cell, one row a run: state, ps, speed, time left, MSD, N_eff, cost.

    Args:
        statuses: of the runs.
        most: most rows, running ones first; None for all.
    """
    cells: dict[tuple[str, str, str], list[RunStatus]] = {}
    first = sorted(statuses, key=lambda one: one.state is not RunState.RUNNING)[:most]
    for one in first:
        cells.setdefault((one.run.formula, one.run.cell, one.run.engine), []).append(one)
    return Group(*(_make_table(" · ".join(name), members) for name, members in cells.items()))


def _make_table(title: str, statuses: Sequence[RunStatus]) -> Table:
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=0,
    )
    cost = "GPU-h" if any(one.progress.gpu_hours for one in statuses) else "core-h"
    for heading in ("run", "K", "state"):
        table.add_column(heading, no_wrap=True, min_width=WIDTHS[heading])
    for heading in ("ps", "ps/day", "left", "MSD / Å²", "N_eff", cost):
        table.add_column(heading, justify="right", min_width=WIDTHS[heading], overflow="fold")
    for one in statuses:
        run, progress = one.run, one.progress
        table.add_row(
            run.key[:6],
            f"{run.temperature_k:g}" + (f" r{run.replica}" if run.replica > 1 else ""),
            Text(one.state.value, style=STYLES.get(one.state, "")),
            f"{progress.done_ps:.4g}/{_target_ps(one):.4g}",
            f"{progress.ps_per_day:.3g}" if progress.ps_per_day else "-",
            _format_duration(progress.seconds_left) if one.state is RunState.RUNNING else "-",
            _format_by_species(progress.msd_angstrom2),
            _format_by_species(progress.n_eff),
            f"{progress.gpu_hours if cost == 'GPU-h' else progress.core_hours:.2f}",
        )
    return table


def _target_ps(one: RunStatus) -> float:
    """Time of the next assessment, ps; before the run starts, what its protocol says."""
    if one.progress.target_ps:
        return one.progress.target_ps
    protocol = one.run.spec["protocol"]
    return float(protocol["equilibration_ps"]) + float(protocol["production_ps"])


def _format_by_species(values: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:.3g}" for name, value in values.items()) or "-"


def _format_duration(seconds: float | None) -> str:
    if seconds is None or not math.isfinite(seconds):
        return "-"
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{left:02d}"


def format_headline(statuses: Sequence[RunStatus]) -> str:
    """Format counts by state, ps done and cost in one line."""
    states = Counter(one.state for one in statuses)
    counts = ", ".join(f"{states[state]} {state.value}" for state in RunState if states[state])
    done = sum(one.progress.done_ps for one in statuses)
    cores = sum(one.progress.core_hours for one in statuses)
    gpus = sum(one.progress.gpu_hours for one in statuses)
    cost = f"{cores:.2f} core-hours" + (f", {gpus:.2f} GPU-hours" if gpus else "")
    return f"{len(statuses)} runs: {counts or 'none'}; {done:.4g} ps, {cost}"


def list_remarks(statuses: Sequence[RunStatus]) -> list[str]:
    """List why runs failed, stopped or ended, a sentence each."""
    keys_by_remark: dict[tuple[str, str], list[str]] = {}
    for one in statuses:
        if one.message:
            keys_by_remark.setdefault((one.reason, one.message), []).append(one.run.key[:6])
    return [
        f"{', '.join(keys)}: {message} ({reason})"
        for (reason, message), keys in keys_by_remark.items()
    ]


def to_records(statuses: Sequence[RunStatus]) -> list[dict[str, Any]]:
    """Make records of the runs for scripts."""
    return [
        {
            "key": one.run.key,
            "source_id": one.run.source_id,
            "formula": one.run.formula,
            "cell": one.run.cell,
            "engine": one.run.engine,
            "temperature_k": one.run.temperature_k,
            "replica": one.run.replica,
            "state": one.state.value,
            "reason": one.reason,
            "message": one.message,
            "needed": needed_text(one),
            "done_ps": one.progress.done_ps,
            "target_ps": _target_ps(one),
            "ps_per_day": one.progress.ps_per_day,
            "seconds_left": one.progress.seconds_left,
            "msd_angstrom2": one.progress.msd_angstrom2,
            "n_eff": one.progress.n_eff,
            "core_hours": one.progress.core_hours,
            "gpu_hours": one.progress.gpu_hours,
            "segments": one.progress.segments,
            "pieces": one.progress.segments,  # its name in earlier versions
            "attempt": one.progress.attempt,
            "job": one.run.job,
            "place": one.run.place,
        }
        for one in statuses
    ]


def print_runs(console: Console, statuses: Sequence[RunStatus]) -> None:
    """Print the tables, the counts, and why runs failed, stopped or ended.

    Args:
        console: where they are printed.
        statuses: of the runs.
    """
    console.print(make_run_tables(statuses))
    console.print(format_headline(statuses), highlight=False)
    for line in (*list_remarks(statuses), *list_needed(statuses)):
        console.print(line, highlight=False, markup=False)


class MdView:
    """Draws the status of runs, or prints a line from time to time where there is no terminal.

    Args:
        console: where it is drawn.
        stop: of the run; once set, the view says so.
    """

    def __init__(self, console: Console, stop: threading.Event) -> None:
        self._console, self._stop = console, stop
        self._statuses: list[RunStatus] = []
        self._printed_s = time.monotonic()
        self._live = Live(console=console, refresh_per_second=2, get_renderable=self._draw)

    def __enter__(self) -> MdView:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def update(self, statuses: list[RunStatus]) -> None:
        """Show the status of the runs."""
        self._statuses = statuses
        now = time.monotonic()
        if not self._console.is_terminal and now - self._printed_s >= PLAIN_INTERVAL_S:
            self._printed_s = now
            self._console.print(format_headline(statuses), highlight=False)

    def _draw(self) -> Group:
        if not self._statuses:
            return Group(Text("inspecting the runs …"))
        lines: list[Any] = [
            Text(format_headline(self._statuses)),
            make_run_tables(self._statuses, most=SHOWN),
        ]
        if len(self._statuses) > SHOWN:
            lines.append(Text(f"and {len(self._statuses) - SHOWN} more", style="dim"))
        if self._stop.is_set():
            lines.append(Text("stopping: every run goes to a checkpoint …", style="yellow"))
        return Group(*lines)
