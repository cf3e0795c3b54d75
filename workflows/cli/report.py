"""``dualion report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualion.results.run_folder import identity, read_run_folder
from dualion.structures.errors import InputError
from dualion.workflows.cli.shared_options import Inputs, RunFolderArgument

if TYPE_CHECKING:
    from dualion.results.report import Detail
    from dualion.results.run_folder import RunFolder


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("report")(report)


def report(
    folder: RunFolderArgument,
    out: Annotated[
        Path | None,
        typer.Option(help="The HTML file. Default: report.html in the folder.", show_default=False),
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="Heading. Default: the folder's name.", show_default=False)
    ] = None,
    candidates: Annotated[
        int,
        typer.Option(
            help="Candidates, by rank, that get structure, paths, fields and sensitivity.", min=0
        ),
    ] = 50,
    sensitivity: Annotated[
        bool, typer.Option(help="Compute these candidates with other conventions as well.")
    ] = True,
    include_structures: Annotated[
        bool,
        typer.Option("--include-structures", help="Show coordinates of licensed sources (ICSD)."),
    ] = False,
    input: Inputs = None,
    transport: Annotated[
        list[str] | None,
        typer.Option(
            help="ID=FOLDER: show the output of dualion analyze on the pages of this structure; "
            "repeat. Analyses below md/KEY… of the run's folder are found by themselves.",
            metavar="ID=FOLDER",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write the report of a run as one HTML page.

    It holds screening funnel, plot, table, candidates, and rejected and failed structures in one
    file that makes no network requests.

    [bold]Example[/bold]

        dualion screen --output my-run && dualion report my-run
    """
    from dualion.results.report import check_target, write_report
    from dualion.results.report.bands import with_bands

    run = read_run_folder(folder)
    path = out or folder / "report.html"
    check_target(path)
    details = _details(run, candidates, sensitivity, include_structures, input or [])
    details = _with_dynamics(run, details, _folders(transport or []))
    details = with_bands(run, details, include_licensed=include_structures)
    size = write_report(run, path, title=title, details=details)
    typer.echo(f"{path}  ({size / 1e6:.1f} MB, {len(run.rows)} rows, {len(details)} in detail)")


def _details(
    run: RunFolder, count: int, sensitivity: bool, include_licensed: bool, inputs: list[str]
) -> dict[int, Detail]:
    """Compute details of the first candidates; without their structures, warn and return none."""
    from rich.console import Console
    from rich.progress import Progress

    from dualion.results.report.candidate import DetailOptions, candidate_details, field_points_for
    from dualion.workflows.campaign.structure_lookup import barrier_options_of, structures_of_run

    places = {identity(row): place for place, row in enumerate(run.rows)}
    chosen = {places[identity(c)]: c for c in run.candidates[:count] if identity(c) in places}
    if not chosen:
        return {}
    try:
        names = [(str(row["source"]), str(row["source_id"])) for row in chosen.values()]
        entries = structures_of_run(run, names, inputs=inputs)
        options = DetailOptions(
            barriers=barrier_options_of(run),
            criterion=run.dai_criterion(),
            strict=run.strict,
            include_licensed=include_licensed,
            sensitivity=sensitivity,
            field_points=field_points_for(len(chosen)),
        )
    except InputError as error:
        typer.echo(f"The page shows no structures. {error}", err=True)
        return {}
    with Progress(transient=True, console=Console(stderr=True)) as progress:
        task = progress.add_task("candidates", total=len(chosen))
        return candidate_details(chosen, entries, options, progress=lambda: progress.advance(task))


def _folders(given: list[str]) -> dict[str, list[Path]]:
    """Group folders of analyses by structure id."""
    folders: dict[str, list[Path]] = {}
    for text in given:
        name, sign, path = text.rpartition("=")
        if not sign or not name:
            raise InputError(f"--transport {text!r}: write ID=FOLDER, as in mp-985583=transport.")
        folders.setdefault(name, []).append(Path(path))
    return folders


def _with_dynamics(
    run: RunFolder, details: dict[int, Detail], given: dict[str, list[Path]]
) -> dict[int, Detail]:
    """Add MD analyses to the details, also of structures without details.

    Raises:
        InputError: a folder or an id is wrong.
    """
    from dualion.results.report import Detail
    from dualion.results.report.dynamics import analyses_below, analyses_of, summarise_dynamics

    made = dict(details)
    known = {str(row["source_id"]) for row in run.rows}
    for name in given:
        if name not in known:
            raise InputError(f"--transport names {name!r}, which {run.folder} does not hold.")
    below = analyses_below(run.folder)
    for place, row in enumerate(run.rows):
        if row["status"] != "ok":
            continue
        folders = [*given.get(str(row["source_id"]), ()), *analyses_of(row, below)]
        if folders:
            old = made.get(place, Detail(content={}))
            content = {**old.content, "dynamics": summarise_dynamics(folders)}
            made[place] = Detail(content=content, sections=old.sections)
    return made
