"""``dualion md collect``: collect finished runs into the store and the tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dualion.workflows.cli.md.options import Folder

if TYPE_CHECKING:
    from dualion.results.store import MdRun


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("collect")(collect)


def collect(folder: Folder = Path()) -> None:
    """Collect finished runs into the store, md_runs.csv and candidates.csv.

    A candidate's row is of one cell alone, named in md_cell: the one in which more of the two ions
    surely diffuse; of equals the perfect one, then the one with more temperatures. Where several
    potentials computed it, they are compared, in md_potentials.csv too.
    """
    from dualion.results.md.agreement import comparison_text
    from dualion.workflows.md.collect import collect_runs
    from dualion.workflows.md.folder import MdFolder

    where = MdFolder.open(folder)
    collected = collect_runs(where)
    for line in _species_lines(collected.runs):
        typer.echo(line)
    for formula, comparison in collected.comparisons:
        typer.echo(f"{formula} {comparison_text(comparison)}")
    for problem in collected.problems:
        typer.echo(problem, err=True)
    typer.echo(
        f"{collected.done} of {len(collected.runs)} runs are done, {collected.taken} new; "
        f"{where.path / 'md_runs.csv'} is written, {collected.rows} rows of candidates.csv have "
        "MD columns."
    )


def _species_lines(runs: Iterable[MdRun]) -> Iterator[str]:
    """Format a line for each species of each finished run: D with its error, or its limit."""
    from dualion.results.md.finished_runs import upper_of
    from dualion.results.md.species import number_of
    from dualion.screening.transport.number_text import diffusion_text

    for run in runs:
        for species in run.results.get("species") or ():
            upper = upper_of(species)
            number = diffusion_text(
                species["verdict"],
                number_of(species, "d_cm2_s"),
                number_of(species, "d_error_cm2_s"),
                float("inf") if upper is None else upper,
            )
            n_eff = species.get("n_eff")
            effective = f", N_eff {n_eff:.3g}" if isinstance(n_eff, int | float) else ""
            yield (
                f"{run.formula} {run.cell} {run.temperature_k:g} K r{run.replica} "
                f"{species['species']}: {species['verdict']}, {number}{effective}"
            )
