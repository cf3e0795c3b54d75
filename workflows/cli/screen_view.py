"""What the terminal shows of results: candidates and the funnel."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from dualion.results.columns import Row
from dualion.results.funnel import Funnel
from dualion.results.guest_rows import GUEST_ENDING, anion_name

WIDE = 110
"""Characters in a line from which on ids and flags have columns of their own."""
WIDEST = 130
"""Characters in a line from which on the energy above the hull has a column."""
LONGEST_FORMULA = 12
"""Characters of a formula in one line of a narrow terminal."""


def candidate_table(
    candidates: Sequence[Row],
    *,
    dimensionality: int,
    most: int,
    width: int,
    count: int | None = None,
) -> Table:
    """The first candidates; no id is shortened, so that it can be typed again.

    Args:
        candidates: rows of ``candidates.csv``.
        dimensionality: 1, 2 or 3.
        most: how many to show.
        width: characters in a line of the terminal; a narrow one shows the flags below the id.
        count: how many candidates there are; None for as many as given.
    """
    shown = [row for row in candidates if (row.get("compound_place") or 1) == 1]
    title = (
        f"Candidates, the best of each compound ({min(most, len(shown))} of "
        f"{count or len(candidates)}; energies in eV, above the hull in eV/atom)"
    )
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("#", min_width=2, no_wrap=True)
    longest = None if width >= WIDE else LONGEST_FORMULA
    table.add_column("formula", min_width=8, max_width=longest, overflow="fold")
    table.add_column("ions", min_width=8, no_wrap=True)
    numeric = ("E cat.", "E an.", "ratio", *(("E hull",) if width >= WIDEST else ()))
    for name in numeric:
        table.add_column(name, justify="right", min_width=6, no_wrap=True)
    names = ("structure", "flags") if width >= WIDE else ("structure, flags",)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in shown[:most]:
        numbers = (
            row[f"e{dimensionality}d_cation_ev"],
            row[f"e{dimensionality}d_anion_ev"],
            row[f"ratio_{dimensionality}d"],
        )
        others = int(row.get("compound_structures") or 1) - 1
        flags = str(row.get("flags") or "").replace(";", ", ").replace("_", " ")
        if others > 0:
            flags = f"+{others} more of this compound; {flags}".removesuffix("; ")
        hull = row.get("energy_above_hull_ev_atom")
        stability = ["unknown" if hull is None else f"{float(hull):.3f}"] if width >= WIDEST else []
        last = [str(row["source_id"]), flags]
        table.add_row(
            *(Text(str(row[key])) for key in ("rank", "reduced_formula")),
            Text(f"{row['cation']} {anion_name(row)}".replace(GUEST_ENDING, f"\n{GUEST_ENDING}")),
            *(f"{float(number or 0.0):.3f}" for number in numbers),
            *stability,
            *(map(Text, last) if width >= WIDE else [Text("\n".join(filter(None, last)))]),
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
