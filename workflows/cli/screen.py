"""``dualion screen``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualion.structures.sources import Access, Selection, SourceQuery, entries_of, standard_filters
from dualion.structures.sources.materials_project.phases import stable_phases
from dualion.workflows.campaign.screen_run import screen_paths
from dualion.workflows.campaign.screening_options import screen_options, within
from dualion.workflows.cli import shared_options
from dualion.workflows.cli.screen_view import candidate_table, funnel_table, run_progress
from dualion.workflows.execution.workers import processor_count

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from dualion.results.funnel import Funnel
    from dualion.screening.screen import ScreenOptions
    from dualion.structures.records import RawEntry, Rejection
    from dualion.workflows.campaign.anode_stability import PhaseSource
    from dualion.workflows.campaign.screen_run import RunSummary

SHOWN_CANDIDATES = 15
BUNDLED_CATIONS = ("Li", "Na", "K")
WHAT, FROM = "What to look for", "Databases beside files"
HOW, RUN = "How barriers are computed", "The run"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("screen")(screen)


def screen(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders, globs or archives: CIF, POSCAR, extxyz, pymatgen JSON, "
            ".jsonl[.gz], zip and tar of these. Without any, the bundled reference set.",
            metavar="[PATH]...",
            show_default=False,
        ),
    ] = None,
    cation: Annotated[
        list[str] | None,
        typer.Option(
            help="Mobile cation: Li, Na, K, Ag, Cu, Mg, Ca, Zn, …; repeat for several. "
            "Default: Li (Li, Na and K for the bundled set).",
            rich_help_panel=WHAT,
            show_default=False,
        ),
    ] = None,
    anion: Annotated[
        list[str] | None,
        typer.Option(
            help="Mobile anion; repeat for several. Default: every anion of the structure.",
            rich_help_panel=WHAT,
            show_default=False,
        ),
    ] = None,
    max_barrier: Annotated[
        float,
        typer.Option(help="The cation's barrier must be below this, eV.", rich_help_panel=WHAT),
    ] = 1.0,
    min_ratio: Annotated[
        float, typer.Option(help="Smallest ratio anion/cation.", rich_help_panel=WHAT)
    ] = 0.5,
    max_ratio: Annotated[
        float, typer.Option(help="Largest ratio anion/cation.", rich_help_panel=WHAT)
    ] = 1.5,
    inverse_ratio: Annotated[
        bool, typer.Option("--inverse-ratio", help="Judge cation/anion.", rich_help_panel=WHAT)
    ] = False,
    dimensionality: Annotated[
        int, typer.Option(help="Barriers that decide: 1, 2 or 3 (D).", rich_help_panel=WHAT)
    ] = 3,
    source: Annotated[
        list[str] | None,
        typer.Option(
            help="Also pull structures from mp, cod, optimade:NAME, icsd:PATH, icsd-api; "
            "repeat for several. dualion doctor says what is usable here.",
            rich_help_panel=FROM,
            show_default=False,
        ),
    ] = None,
    max_hull: Annotated[float | None, shared_options.max_hull(FROM)] = None,
    min_gap: Annotated[float | None, shared_options.min_gap(FROM)] = None,
    limit: Annotated[int | None, shared_options.limit(FROM)] = None,
    anode_reactions: Annotated[
        bool,
        typer.Option(
            "--anode-reactions",
            help="Add the reaction of each candidate with the metal of its cation, from Materials "
            "Project energies.",
            rich_help_panel=FROM,
        ),
    ] = False,
    offline: Annotated[bool, shared_options.offline(FROM)] = False,
    spacing: Annotated[
        float, typer.Option(help="Largest distance of grid points, Å.", rich_help_panel=HOW)
    ] = 0.2,
    engine: Annotated[
        str, typer.Option(help="native, or bvlain to compare.", rich_help_panel=HOW)
    ] = "native",
    preset: Annotated[
        str,
        typer.Option(
            help="Conventions of the pair energies: bvlain, full_depth, f070, softbv_radii.",
            rich_help_panel=HOW,
        ),
    ] = "bvlain",
    prefactor: Annotated[
        float | None,
        typer.Option(help="Fraction of D0 in the Morse term.", rich_help_panel=HOW),
    ] = None,
    screening_factor: Annotated[
        float | None, typer.Option(help="f of the Coulomb term.", rich_help_panel=HOW)
    ] = None,
    radii: Annotated[
        str | None, typer.Option(help="Covalent radii: ase or softbv.", rich_help_panel=HOW)
    ] = None,
    cutoff: Annotated[
        float | None, typer.Option(help="Reach of the pair energies, Å.", rich_help_panel=HOW)
    ] = None,
    refuse_estimates: Annotated[
        bool,
        typer.Option(
            "--refuse-estimates",
            help="Reject ions whose pair parameters are not tabulated.",
            rich_help_panel=HOW,
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Reject structures whose charges balance only by force (lost ions in the file).",
            rich_help_panel=HOW,
        ),
    ] = False,
    workers: Annotated[
        int, typer.Option(help="Processes; 0 for one a core.", rich_help_panel=RUN)
    ] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the tables. Default: a new one named after the time.",
            rich_help_panel=RUN,
            show_default=False,
        ),
    ] = None,
    time_limit: Annotated[
        float, typer.Option(help="Longest time for one structure, s.", rich_help_panel=RUN)
    ] = 300.0,
) -> None:
    """Screen crystal structures and write a ranked CSV of dual-ion conductors.

    For every structure, the migration barriers of the cation and of each anion are computed
    from bond valence site energies. A pair passes (Cen et al., Nat. Sustain. 2025) if the
    cation's barrier is below 1 eV and the anion's is 0.5 to 1.5 times as high.

    Every structure ends as rows of screened.csv, also what could not be read or computed, with
    the reason; what passes is ranked in candidates.csv; run.json holds conventions and versions.

    [bold]Examples[/bold]

        dualion screen

        dualion screen cifs/ more.zip "icsd/*.cif" --cation Na --workers 4

        dualion screen mp.jsonl.gz --anion I --anion Cl --dimensionality 1 --output halides

        dualion screen --source mp --max-hull 0.05 --min-gap 2
    """
    options = screen_options(
        cations=tuple(cation or ()) or (("Li",) if paths or source else BUNDLED_CATIONS),
        anions=tuple(anion or ()),
        criterion={
            "max_cation_barrier_ev": max_barrier,
            "min_ratio": min_ratio,
            "max_ratio": max_ratio,
            "dimensionality": dimensionality,
            "reading": "cation_over_anion" if inverse_ratio else "anion_over_cation",
        },
        spacing_angstrom=spacing,
        engine=engine,
        preset=preset,
        changes={
            "morse_prefactor": prefactor,
            "screening_factor": screening_factor,
            "radii": radii,
            "cutoff_angstrom": cutoff,
        },
        refuse_estimates=refuse_estimates,
        strict=strict,
    )
    within("number of workers", workers, (0, 4096))
    within("time limit", time_limit, (1.0, 1e7), "s")
    texts = [*(source or []), *(f"file:{path}" for path in paths or [])] if source else []
    pull = partial(
        _pulled,
        texts,
        options,
        max_hull_ev_atom=max_hull,
        min_gap_ev=min_gap,
        limit=limit,
        offline=offline,
    )
    _run(
        texts or paths or [],
        options,
        pull if source else None,
        _phases(offline=offline) if anode_reactions else None,
        workers=workers,
        output=output,
        time_limit_s=time_limit,
    )


def _pulled(
    texts: list[str],
    options: ScreenOptions,
    *,
    max_hull_ev_atom: float | None,
    min_gap_ev: float | None,
    limit: int | None,
    offline: bool,
) -> Iterator[RawEntry | Rejection]:
    """Entries of databases and files together, filtered, without duplicates."""
    query = SourceQuery(
        any_of=options.cations,
        max_energy_above_hull_ev_atom=max_hull_ev_atom,
        min_band_gap_ev=min_gap_ev,
        limit=limit,
    )
    selection = Selection(filters=standard_filters(query), deduplicate=True)
    return entries_of(texts, query, selection=selection, access=Access(offline=offline))


def _phases(*, offline: bool) -> PhaseSource:
    """Stable phases of a chemical system, from the Materials Project or its cache."""
    return partial(stable_phases, access=Access(offline=offline))


def _run(
    paths: list[str],
    options: ScreenOptions,
    pull: Callable[[], Iterator[RawEntry | Rejection]] | None,
    phases: PhaseSource | None,
    *,
    workers: int,
    output: Path | None,
    time_limit_s: float,
) -> None:
    from rich.console import Console

    console = Console()
    with run_progress(console) as progress:
        task = progress.add_task("starting", total=None, counts="")
        summary = screen_paths(
            paths,
            options,
            pull=pull,
            phases=phases,
            output=output,
            workers=workers or processor_count(),
            time_limit_s=time_limit_s,
            on_start=lambda total: progress.update(task, total=total, description="screening"),
            on_outcome=lambda _, funnel: _advance(progress, task, funnel),
        )
    _report(console, summary, options)
    if summary.anode_problem:
        console.print(f"Anode reactions: {summary.anode_problem}", highlight=False)
    if not summary.finished:
        raise typer.Exit(130)


def _advance(progress: Progress, task: TaskID, funnel: Funnel) -> None:
    lost = funnel.read - funnel.computed
    counts = f"{funnel.ratio_in_range} pass, {lost} not done"
    progress.update(task, advance=1, counts=counts)


def _report(console: Console, summary: RunSummary, options: ScreenOptions) -> None:
    """The best candidates, the funnel, and where the files are."""
    dimensionality = options.criterion.dimensionality
    if summary.candidates:
        console.print(
            candidate_table(
                summary.candidates,
                dimensionality=dimensionality,
                most=SHOWN_CANDIDATES,
                width=console.width,
            )
        )
    else:
        console.print("No pair passes the criterion.")
    console.print(funnel_table(summary.funnel))
    if not summary.finished:
        console.print(
            f"[yellow]Interrupted:[/yellow] the tables hold the {summary.funnel.read} structures "
            "that were done until then. To be able to go on later, use a campaign (dualion init)."
        )
    for path in (summary.files.candidates, summary.files.screened, summary.files.sidecar):
        console.print(f"  {path}", highlight=False, soft_wrap=True)
