"""The command line. Commands live in ``*_command.py`` and import what they need when they run."""

from __future__ import annotations

import sys

import typer

from workflows import (
    analyze_command,
    cancel_command,
    compare_command,
    doctor_command,
    dope_command,
    export_command,
    fetch_command,
    init_command,
    md_command,
    path_command,
    report_command,
    run_command,
    screen_command,
    show_command,
    status_command,
    submit_command,
)

app = typer.Typer(
    name="dualion",
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


for command in (
    screen_command,
    fetch_command,
    init_command,
    run_command,
    status_command,
    submit_command,
    cancel_command,
    report_command,
    show_command,
    export_command,
    compare_command,
    path_command,
    analyze_command,
    dope_command,
    md_command,
    doctor_command,
):
    command.register(app)


def main() -> None:
    """Entry point: a wrong input ends in one sentence on stderr and exit status 2."""
    from structures.errors import DualionError

    try:
        app()
    except DualionError as error:
        print(f"dualion: {error}", file=sys.stderr)
        sys.exit(2)
