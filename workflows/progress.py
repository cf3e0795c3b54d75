"""What the terminal shows: rate, candidates, funnel."""

from __future__ import annotations

from collections.abc import Sequence

from rich.progress import ProgressColumn, Task
from rich.table import Table
from rich.text import Text

from results.columns import Row
from results.funnel import Funnel


class RateColumn(ProgressColumn):
    """Structures a second."""

    def render(self, task: Task) -> Text:
        """The rate, or nothing before it is known."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "", style="progress.data.speed")


def candidate_table(candidates: Sequence[Row], *, dimensionality: int, most: int) -> Table:
    """The first candidates."""
    title = f"Candidates ({min(most, len(candidates))} of {len(candidates)})"
    table = Table(title=title, title_justify="left")
    for name in ("#", "formula", "structure", "cation", "anion"):
        table.add_column(name)
    for name in ("E cation / eV", "E anion / eV", "ratio"):
        table.add_column(name, justify="right")
    table.add_column("flags")
    for row in candidates[:most]:
        numbers = (
            row[f"e{dimensionality}d_cation_ev"],
            row[f"e{dimensionality}d_anion_ev"],
            row[f"ratio_{dimensionality}d"],
        )
        table.add_row(
            *(Text(str(row[key])) for key in ("rank", "reduced_formula", "source_id")),
            *(Text(str(row[key])) for key in ("cation", "anion")),
            *(f"{float(number or 0.0):.3f}" for number in numbers),
            Text(str(row.get("flags") or "").replace(";", ", ").replace("_", " ")),
        )
    return table


def funnel_table(funnel: Funnel) -> Table:
    """Counts step by step, with the commonest reasons."""
    table = Table(title="Funnel (structures)", title_justify="left", show_header=False)
    table.add_column("step")
    table.add_column("count", justify="right")
    for name, count in funnel.steps():
        table.add_row(name, str(count))
    for reason, count in funnel.reasons.most_common(8):
        table.add_row(Text(f"  not done: {reason}", style="dim"), Text(str(count), style="dim"))
    return table
