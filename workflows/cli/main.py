"""The command line as a group whose commands are imported when they are used."""

from __future__ import annotations

import io
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from dualion.structures.errors import DualionError

COMMANDS = {
    "screen": "Screen crystal structures and write a ranked CSV of dual-ion conductors.",
    "fetch": "Fetch structures once into the cache; list what there is, with its provenance.",
    "init": "Write a commented campaign.yaml to start from.",
    "run": "Run a campaign, or resume it: only what is missing is computed.",
    "status": "Show how a campaign stands: done, left, failures, the driver, the queue.",
    "submit": "Put what is left of a campaign into the queue of a cluster, as a job array.",
    "cancel": "Cancel the jobs of a campaign; what they have computed is kept.",
    "report": "Write the report of a run as one HTML page.",
    "show": "Show everything a run knows of one structure.",
    "export": "Write a run's tables, structures and figures for other programs.",
    "compare": "Compare two runs: which candidates entered, left and moved, and why.",
    "path": "Show the minimum-energy paths, bottlenecks and sites of an ion in one structure.",
    "analyze": "Analyse MD trajectories: D, conductivity, transport numbers, figures.",
    "dope": "Dope a host with a salt: supercell, insertion sites, configurations, lowest energy.",
    "md": "Molecular dynamics of the candidates: queue, run, follow, collect.",
    "doctor": "Say for each source of structures whether it is usable here and what is missing.",
}
"""Every command, in the order of ``--help``, with its line there; each lives in a module of its
name, or in ``MODULES``. The lines stand here so that ``--help`` imports no command."""

MODULES = {
    "analyze": "analyze.command",
    "dope": "dope.command",
    "md": "md.commands",
    "path": "path.command",
}
"""Commands that have a folder of their own."""

_LISTING = "dualion.listing"


class LazyGroup(TyperGroup):
    """A group that imports a command's module when that command is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of ``--help``."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, or only its line of help while the list is printed."""
        if cmd_name not in COMMANDS:
            return None
        if ctx.meta.get(_LISTING):
            return TyperCommand(cmd_name, help=COMMANDS[cmd_name])
        return load_command(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help of the group."""
        ctx.meta[_LISTING] = True
        super().format_help(ctx, formatter)


def load_command(name: str) -> Any:
    """Import the module of one command and give the command."""
    alone = typer.Typer(
        add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False
    )
    module = MODULES.get(name, name)
    import_module(f"dualion.workflows.cli.{module}").register(alone)
    command = typer.main.get_command(alone)
    return command.commands[name] if isinstance(command, TyperGroup) else command


app = typer.Typer(
    name="dualion",
    cls=LazyGroup,
    help="Find solids in which a metal cation and an anion both migrate.",
    epilog="Start with: dualion screen (the bundled reference set), then dualion screen FOLDER.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"dualion {version('dualion')}")
        raise typer.Exit


@app.callback()
def _root(
    show_version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Find solids in which a metal cation and an anion both migrate."""


def main() -> None:
    """Entry point: a wrong input ends in one sentence on stderr and exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        # Names need not fit the terminal's encoding; escaped, they are better than a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except DualionError as error:
        print(f"dualion: {error}", file=sys.stderr)
        sys.exit(2)
