"""Pages that are made from the code when the site is built: commands, columns, vocabulary."""

from __future__ import annotations

import click
import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from dualion.results.columns import CANDIDATES, SCREENED
from dualion.results.vocabulary import FLAGS, REASONS, STATUSES, Term
from dualion.workflows.cli.main import app


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
    group = typer.main.get_command(app)
    assert hasattr(group, "commands")
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            for below, inner in sorted(command.commands.items()):
                parts.append(_command(f"{name} {below}", inner))
        elif not command.hidden:
            parts.append(_command(name, command))
    return "\n".join(parts)


def _command(name: str, command: click.Command) -> str:
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


def _parameter(parameter: click.Parameter) -> str:
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
