"""``dualion show``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualion.results.columns import BY_KEY, GUEST, SCREENED, Value
from dualion.results.guest_rows import anion_name, is_guest
from dualion.results.reasons import reasons
from dualion.results.run_folder import read_run_folder
from dualion.results.score import PARTS
from dualion.results.tables import format_value
from dualion.results.vocabulary import FLAG_MEANINGS, REASON_MEANINGS, split_flags, words

if TYPE_CHECKING:
    from rich.console import Console

    from dualion.results.columns import Row

APART = ("e1d_", "e2d_", "e3d_", "ratio_", "score", "guest_", "mechanism_")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("show")(show)


def show(
    name: Annotated[
        str,
        typer.Argument(
            help="Id of a structure (source_id), a part of it, or a reduced formula.",
            metavar="ID",
            show_default=False,
        ),
    ],
    folder: Annotated[Path, typer.Argument(help="Folder of a run or campaign.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="The rows, as JSON.")] = False,
) -> None:
    """Show all results of one structure of a run.

    [bold]Example[/bold]

        dualion show mp-985583 my-run
    """
    from dualion.workflows.campaign.structure_lookup import rows_named

    run = read_run_folder(folder)
    rows = rows_named(run, name)
    if as_json:
        typer.echo(json.dumps([_plain(row) for row in rows], indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console()
    _identity(console, rows[0])
    for row in rows:
        _pair(console, row)
    _shared(console, rows[0])


def _plain(row: Row) -> dict[str, object]:
    """Replace infinity by the text inf, which JSON can hold."""
    return {key: "inf" if value == float("inf") else value for key, value in row.items()}


def _identity(console: Console, row: Row) -> None:
    from rich.text import Text

    title = Text(f"{row.get('reduced_formula') or '?'}  ", style="bold")
    title.append(f"{row['source']}: {row['source_id']}", style="not bold")
    console.print(title)


def _pair(console: Console, row: Row) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console.print(Text(f"\n{row.get('cation') or ''} {anion_name(row)}  {_verdict(row)}"))
    if row.get("message"):
        console.print(Text(str(row["message"])))
    if row.get("e1d_cation_ev") is None:
        return
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0))
    table.add_column("")
    for ion in ("cation", "anion"):
        for kind in ("eV", "refined", "above region"):
            table.add_column(f"{ion} {kind}", justify="right")
    table.add_column("ratio", justify="right")
    for n in (1, 2, 3):
        keys = [
            f"e{n}d_{ion}{ending}_ev"
            for ion in ("cation", "anion")
            for ending in ("", "_refined", "_region")
        ]
        cells = (format_value(row.get(key), BY_KEY[key]) for key in (*keys, f"ratio_{n}d"))
        table.add_row(f"{n}D", *(_short(cell) for cell in cells))
    console.print(table)
    if is_guest(row):
        _guest(console, row)
    if row.get("neb_potential"):
        _bands(console, row)
    _flags(console, row)
    _score(console, row)
    _reasons(console, row)


def _reasons(console: Console, row: Row) -> None:
    """Print what speaks for and against a candidate, or why a pair that passes is none."""
    from rich.text import Text

    for name in split_flags(row.get("set_aside")):
        console.print(Text(f"  set aside: {REASON_MEANINGS.get(name, words(name))}"))
    if row.get("score") is None:
        return
    told = reasons(row)
    for sign, sentences in (("+", told.speaks_for), ("−", told.against)):
        for sentence in sentences:
            console.print(Text(f"  {sign} {sentence}"), soft_wrap=True)


def _guest(console: Console, row: Row) -> None:
    """Print what guests alone have, each with its unit."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for column in GUEST:
        text = format_value(row.get(column.key), column)
        if text and column.kind == "number":
            told = f"{_short(text)} {column.unit}".rstrip()
            table.add_row(Text(f"  {column.label}", style="dim"), Text(told))
    console.print(table)


def _bands(console: Console, row: Row) -> None:
    """Print what elastic bands with a potential say, beside bond valence."""
    from rich.text import Text

    from dualion.workflows.cli.neb.view import barrier_table, short, verdict

    told = f"by elastic bands with {row['neb_potential']}: {verdict(row.get('dai_neb'))}"
    if row.get("dai_neb_intrinsic") is not None:
        energies = ", ".join(
            f"{row[ion]} {short(row, f'e_activation_{ion}_ev')} eV" for ion in ("cation", "anion")
        )
        told += (
            f"; with its own vacancies alone: {verdict(row['dai_neb_intrinsic'])} "
            f"(activation energies {energies})"
        )
    console.print(Text(told), soft_wrap=True)
    console.print(barrier_table(row))
    for flag in split_flags(row.get("neb_flags")):
        console.print(Text(f"  {words(flag)}: {FLAG_MEANINGS.get(flag, '')}"), soft_wrap=True)
    if row.get("neb_problem"):
        console.print(Text(f"  {row['neb_problem']}"), soft_wrap=True)


def _short(text: str) -> str:
    return text if text in ("", "inf") else f"{float(text):.3f}"


def _verdict(row: Row) -> str:
    if row.get("status") != "ok":
        reason = str(row.get("reason"))
        meaning = REASON_MEANINGS.get(reason)
        return f"{row.get('status')}: {words(reason)}" + (f". {meaning}" if meaning else "")
    passes = str(row.get("dai_dimensions") or "").replace(";", ", ")
    verdict = "passes" if row.get("dai") else "does not pass"
    rank = f", rank {row['rank']}" if row.get("rank") else ""
    return f"{verdict}{rank}" + (f" (criterion holds in {passes})" if passes else "")


def _flags(console: Console, row: Row) -> None:
    from rich.text import Text

    for flag in split_flags(row.get("flags")):
        console.print(Text(f"  {words(flag)}: {FLAG_MEANINGS.get(flag, '')}"), soft_wrap=True)


def _text(value: Value) -> str:
    return "" if value is None else str(value)


def _score(console: Console, row: Row) -> None:
    if row.get("score") is not None:
        parts = ", ".join(
            f"{words(part)} {_short(_text(row.get(f'score_{part}'))) or 'unknown'}"
            for part in PARTS
        )
        console.print(f"  score {_short(str(row['score']))}: {parts}", highlight=False)


def _shared(console: Console, row: Row) -> None:
    """Print the columns of the structure itself, with units."""
    from rich.table import Table
    from rich.text import Text

    shown = ("source", "source_id", "cation", "anion", "flags", "message", "status", "reason")
    table = Table.grid(padding=(0, 2))
    for column in SCREENED:
        text = format_value(row.get(column.key), column)
        if text and column.key not in shown and not column.key.startswith((*APART, "dai")):
            table.add_row(Text(column.label, style="dim"), Text(f"{text} {column.unit}".rstrip()))
    console.print()
    console.print(table)
