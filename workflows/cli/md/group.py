"""``dualion md``: molecular dynamics of the candidates, as a group of commands."""

from __future__ import annotations

import typer

from dualion.workflows.cli.lazy_group import LazyGroup

HELP = """Molecular dynamics of the candidates: queue, run, monitor, collect.

Examples

dualion md queue my-run --candidates 1 --temperatures 600,700

dualion md run my-run

dualion md collect my-run

On a cluster, in place of run: dualion md submit my-run --scheduler slurm, and dualion md status.

Each run has a folder of its own below my-run/md. It is computed in segments that end at a
checkpoint; a kill costs no more than the steps since the last one.
"""

COMMANDS = {
    "queue": "Plan runs of candidates and write their folders; queueing twice adds nothing.",
    "run": "Compute the queued runs on this machine, each segment a Dask task.",
    "submit": "Submit the queued runs to a cluster, as a job array of segments.",
    "status": "Show the status of the runs; update the store from their folders and the queue.",
    "collect": "Collect finished runs into the store, md_runs.csv and candidates.csv.",
    "cancel": "Cancel runs that have not ended; what they computed is kept.",
}
"""Every command, in the order of ``--help``, with its line there."""


class MdGroup(LazyGroup):
    """The commands of ``dualion md``."""

    package = "dualion.workflows.cli.md"
    lines = COMMANDS


app = typer.Typer(name="md", cls=MdGroup, help=HELP, no_args_is_help=True, rich_markup_mode="rich")


@app.callback()
def _group() -> None:
    """Make the group one without commands of its own."""


def register(root: typer.Typer) -> None:
    """Add the group to the application."""
    root.add_typer(app, help=HELP)
