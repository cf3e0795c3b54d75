"""The command line as a group whose commands are imported when they are used."""

from __future__ import annotations

import io
import sys

import typer

from dualion.structures.errors import DualionError
from dualion.structures.text import printable_lines
from dualion.workflows.cli.lazy_group import LazyGroup
from dualion.workflows.execution.output_stream import exit_status, guard_output

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
    "neb": "Barriers of both ions with a potential: vacancy hops as nudged elastic bands.",
    "md": "Molecular dynamics of the candidates: queue, run, monitor, collect.",
    "doctor": "Say which sources and potentials are usable here, and what the others lack.",
}
"""Every command, in the order of ``--help``, with its line there."""

MODULES = {
    "analyze": "analyze.command",
    "dope": "dope.command",
    "md": "md.group",
    "neb": "neb.command",
    "path": "path.command",
}
"""Modules of the commands that have a folder of their own."""


class MainGroup(LazyGroup):
    """The commands of ``dualion``."""

    package = "dualion.workflows.cli"
    lines = COMMANDS
    modules = MODULES


app = typer.Typer(
    name="dualion",
    cls=MainGroup,
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
    streams = sys.stdout, sys.stderr
    output = guard_output()
    try:
        status = _run()
        sys.exit(exit_status(output, status))
    finally:
        sys.stdout, sys.stderr = streams


def _run() -> int:
    """Run the command; returns its exit status."""
    try:
        app()
    except DualionError as error:
        print(f"dualion: {printable_lines(str(error))}", file=sys.stderr)
        return 2
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    return 0
