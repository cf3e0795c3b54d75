"""What ``dualion neb`` shows at its end: barriers of both ions, ratio, verdict, carriers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from dualion.results.columns import BY_KEY
from dualion.results.tables import format_value
from dualion.results.vocabulary import split_flags, words

if TYPE_CHECKING:
    from rich.console import Console

    from dualion.results.columns import Row, Value
    from dualion.screening.criterion import DaiCriterion

LINES = (
    ("cation", "e{n}d_cation_neb_ev"),
    ("anion", "e{n}d_anion_neb_ev"),
    ("ratio", "ratio_{n}d_neb"),
)


def show_barriers(console: Console, rows: Sequence[Row], criterion: DaiCriterion) -> None:
    """Print a table of all pairs, and what is missing of them.

    Args:
        console: where it is printed.
        rows: of ``neb.csv``.
        criterion: whose dimensionality counts.
    """
    n = criterion.dimensionality
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("structure", "ion"):
        table.add_column(name)
    for name in ("E 1D", "E 2D", "E 3D", "E_a", f"ratio {n}D"):
        table.add_column(name, justify="right")
    for name in ("DAI", "own carriers"):
        table.add_column(name)
    for row in rows:
        for ion in ("cation", "anion"):
            last = ion == "anion"
            keys = [f"e{number}d_{ion}_neb_ev" for number in (1, 2, 3)]
            table.add_row(
                Text("" if last else str(row["formula"])),
                str(row[ion]),
                *(short(row, key) for key in (*keys, f"e_activation_{ion}_ev")),
                short(row, f"ratio_{n}d_neb") if last else "",
                verdict(row.get("dai_neb")) if last else "",
                verdict(row.get("dai_neb_intrinsic")) if last else "",
            )
    console.print(table)
    for row in rows:
        told = [words(flag) for flag in split_flags(row["neb_flags"])]
        told += [str(row["neb_problem"])] if row["neb_problem"] else []
        if told:
            console.print(Text(f"  {row['source_id']}: {', '.join(told)}"), soft_wrap=True)


def barrier_table(row: Row) -> Table:
    """Make a table of a pair's barriers in all dimensionalities, both tiers side by side.

    Args:
        row: a row of ``candidates.csv`` with barriers of a potential.
    """
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0))
    table.add_column("")
    for name, _ in LINES:
        unit = "" if name == "ratio" else " eV"
        table.add_column(f"{name}{unit}", justify="right")
        table.add_column("NEB", justify="right")
    for n in (1, 2, 3):
        cells = []
        for _, key in LINES:
            own = key.format(n=n)
            cells += [short(row, own.replace("_neb", "")), short(row, own)]
        table.add_row(f"{n}D", *cells)
    return table


def verdict(value: Value) -> str:
    """Write a verdict in a word.

    Args:
        value: of a column of truth; None where it is not known.
    """
    return "unknown" if value is None else "passes" if value else "fails"


def short(row: Row, key: str) -> str:
    """Write a number of a row with three digits; a dash where it is not known.

    Args:
        row: the row.
        key: of the column.
    """
    text = format_value(row.get(key), BY_KEY[key])
    return text or "-" if text in ("", "inf") else f"{float(text):.3f}"
