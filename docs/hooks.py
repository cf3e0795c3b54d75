"""Pages that are made from the code when the site is built: commands, columns, vocabulary."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from dualion.results.columns import CANDIDATES, SCREENED
from dualion.results.vocabulary import FLAGS, REASONS, STATUSES, Term
from dualion.workflows.cli.main import app

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("structures", "screening", "results", "workflows")


def on_startup(command: str, dirty: bool) -> None:
    """Copy the checkout below the import name, where the reference's reader looks for it.

    The reader follows no links to folders, and looks once whether the place is there.
    """
    package = ROOT / "build" / "import-name" / "dualion"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    shutil.copy(ROOT / "dualion" / "__init__.py", package)
    for room in ROOMS:
        shutil.copytree(ROOT / room, package / room)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    pages = {
        "reference/commands.md": commands_page(),
        "reference/columns.md": columns_page(),
        "reference/vocabulary.md": vocabulary_page(),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def commands_page() -> str:
    """Every command with its arguments and options."""
    parts = ["# Commands\n", "Made from the code; `dualion COMMAND --help` says the same.\n"]
    for name, command in sorted(_leaf_commands(typer.main.get_command(app)), key=itemgetter(0)):
        parts.append(_command(name, command))
    return "\n".join(parts)


def _leaf_commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names and commands of a group and its sub-groups, whose modules are imported on demand."""
    context = group.make_context("dualion", [], resilient_parsing=True)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if hasattr(command, "list_commands"):
            yield from _leaf_commands(command, f"{prefix}{name} ")
        elif not command.hidden:
            yield f"{prefix}{name}", command


def _command(name: str, command: Any) -> str:
    rows = [_parameter(one) for one in command.params if not getattr(one, "hidden", False)]
    rows = [row for row in rows if not row.startswith("| `--help`")]
    table = ["| | default | |", "|---|---|---|", *rows, ""] if rows else []
    return "\n".join([f"## dualion {name}\n", _text(command.help or ""), "", *table])


def _text(help_text: str) -> str:
    """Paragraphs; what stands after «Examples» is a code block."""
    lines = []
    for line in help_text.splitlines():
        line = line.replace("[bold]", "**").replace("[/bold]", "**").strip()
        lines.append(f"    {line}" if line.startswith("dualion ") else line)
    return "\n".join(lines)


def _parameter(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if parameter.param_type_name == "argument":
        names = f"`{(parameter.metavar or parameter.name or '').strip('[].')}`".upper()
    default = parameter.default
    unset = default in (None, "", False) or default != default or callable(default)
    shown = "" if unset else f"`{default}`"
    text = (getattr(parameter, "help", "") or "").replace("|", "\\|").replace("\n", " ")
    return f"| {names} | {shown} | {text} |"


def columns_page() -> str:
    """The schema of the tables."""
    screened = {column.key for column in SCREENED}
    parts = [
        "# Columns\n",
        "`screened.csv` has one row per structure × cation × anion; `candidates.csv` those that "
        "pass, by rank, with the columns marked *candidates*. An empty field means unknown or not "
        "computed, `inf` means: does not percolate.\n",
        "| column | kind | unit | meaning |",
        "|---|---|---|---|",
    ]
    for column in CANDIDATES:
        where = "" if column.key in screened else " (*candidates*)"
        parts.append(
            f"| `{column.key}` | {column.kind} | {column.unit} | {column.meaning}{where} |"
        )
    return "\n".join(parts) + "\n"


def vocabulary_page() -> str:
    """Every flag, status and reason."""
    parts = [
        "# Flags and reasons\n",
        "Names are stable: tables of years ago keep their meaning. Flags of a row stand in the "
        "order of this page.\n",
        "## Flags\n",
        *_terms(FLAGS),
        "## Statuses\n",
        "| status | meaning |",
        "|---|---|",
        *(f"| `{name}` | {meaning} |" for name, meaning in STATUSES.items()),
        "",
        "## Reasons\n",
        *_terms(REASONS),
    ]
    return "\n".join(parts) + "\n"


def _terms(terms: tuple[Term, ...]) -> list[str]:
    """One table for each group."""
    lines: list[str] = []
    for group in dict.fromkeys(term.group for term in terms):
        lines += [f"### {group[0].upper()}{group[1:]}\n", "| name | meaning |", "|---|---|"]
        lines += [f"| `{term.name}` | {term.meaning} |" for term in terms if term.group == group]
        lines.append("")
    return lines
