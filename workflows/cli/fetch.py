"""``dualion fetch``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualion.structures.errors import DualionError
from dualion.structures.records import Rejection
from dualion.workflows.cli import shared_options

if TYPE_CHECKING:
    from dualion.structures.sources.base import Source
    from dualion.structures.sources.query import SourceQuery
    from dualion.structures.sources.selection import Selection
    from dualion.workflows.cli.fetch_run import FetchSummary

WHAT, MEASURED, HOW = "What to fetch", "For measured structures", "How"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("fetch")(fetch)


def fetch(
    source: Annotated[
        list[str] | None,
        typer.Option(
            help="mp, cod, optimade:NAME or optimade:URL, icsd:PATH, icsd-theoretical:PATH, "
            "icsd-api, file:PATH; repeat for several.",
            show_default=False,
        ),
    ] = None,
    element: Annotated[
        list[str] | None,
        typer.Option(help="Must be present; repeat for several.", rich_help_panel=WHAT),
    ] = None,
    any_of: Annotated[
        list[str] | None,
        typer.Option(help="One of these must be present; repeat.", rich_help_panel=WHAT),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="Must not be present; repeat for several.", rich_help_panel=WHAT),
    ] = None,
    avoid: Annotated[
        list[str] | None,
        typer.Option(
            help="Leave out a list of elements: radioactive, toxic, costly, noble_gas; repeat.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    cation: Annotated[
        str | None,
        typer.Option(help="Mobile cation: it and an anion must be there.", rich_help_panel=WHAT),
    ] = None,
    max_sites: Annotated[
        int | None, typer.Option(help="Most sites of the cell.", rich_help_panel=WHAT)
    ] = None,
    max_hull: Annotated[float | None, shared_options.max_hull(WHAT)] = None,
    min_gap: Annotated[float | None, shared_options.min_gap(WHAT)] = None,
    nonmetals: Annotated[
        bool, typer.Option("--nonmetals", help="Leave out metals.", rich_help_panel=WHAT)
    ] = False,
    theoretical: Annotated[
        bool | None,
        typer.Option(
            "--theoretical/--observed",
            help="Only computed, or only observed structures.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    id_: Annotated[
        list[str] | None,
        typer.Option("--id", help="Single ids of the source; repeat.", rich_help_panel=WHAT),
    ] = None,
    limit: Annotated[int | None, shared_options.limit(WHAT)] = None,
    max_r: Annotated[
        float | None, typer.Option(help="Largest R value (0.1).", rich_help_panel=MEASURED)
    ] = None,
    min_temperature: Annotated[
        float | None, typer.Option(help="Lowest temperature, K.", rich_help_panel=MEASURED)
    ] = None,
    max_temperature: Annotated[
        float | None, typer.Option(help="Highest temperature, K.", rich_help_panel=MEASURED)
    ] = None,
    max_pressure: Annotated[
        float | None, typer.Option(help="Highest pressure, GPa.", rich_help_panel=MEASURED)
    ] = None,
    min_year: Annotated[
        int | None, typer.Option(help="Earliest year.", rich_help_panel=MEASURED)
    ] = None,
    max_year: Annotated[
        int | None, typer.Option(help="Latest year.", rich_help_panel=MEASURED)
    ] = None,
    keep_duplicates: Annotated[
        bool,
        typer.Option("--keep-duplicates", help="Do not look for duplicates.", rich_help_panel=HOW),
    ] = False,
    offline: Annotated[bool, shared_options.offline(HOW)] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Fetch again what is cached.", rich_help_panel=HOW)
    ] = False,
    include_structures: Annotated[
        bool,
        typer.Option(
            "--include-structures",
            help="Also write coordinates into --output (mind the licence).",
            rich_help_panel=HOW,
        ),
    ] = False,
    workers: Annotated[int, typer.Option(help="Processes.", rich_help_panel=HOW)] = 1,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of the list. Default: only a summary.", rich_help_panel=HOW),
    ] = None,
    mp_endpoint: Annotated[
        str | None, typer.Option(help="Other address of the MP API.", hidden=True)
    ] = None,
    icsd_endpoint: Annotated[
        str | None, typer.Option(help="Other address of the ICSD API.", hidden=True)
    ] = None,
) -> None:
    """Fetch structures once into the cache; list what there is, with its provenance.

    What was fetched is kept, so that the same query works again without a network
    (--offline). The list (fetched.csv) names entries and holds no coordinates unless you say
    --include-structures. Keys and passwords come from the environment or the keyring; see
    dualion doctor.

    [bold]Examples[/bold]

        dualion fetch --source mp --element Li --any-of I --any-of S --max-hull 0.05 --min-gap 1

        dualion fetch --source icsd:exports/ --source cod --cation Li --max-r 0.1 --output list
    """
    from dualion.structures.sources.prefilters import MeasurementLimits, standard_filters
    from dualion.structures.sources.query import SourceQuery
    from dualion.structures.sources.selection import Selection

    elements = [*(element or ()), *([cation] if cation else [])]
    query = SourceQuery(
        elements=tuple(elements),
        any_of=tuple(any_of or ()),
        exclude=tuple(exclude or ()),
        max_sites=max_sites,
        max_energy_above_hull_ev_atom=max_hull,
        min_band_gap_ev=min_gap,
        nonmetals_only=nonmetals,
        theoretical=theoretical,
        ids=tuple(id_ or ()),
        limit=limit,
    )
    measurement = MeasurementLimits(
        max_r_value=max_r,
        min_temperature_k=min_temperature,
        max_temperature_k=max_temperature,
        max_pressure_gpa=max_pressure,
        min_year=min_year,
        max_year=max_year,
    )
    filters = standard_filters(query, cation=cation, avoid=avoid or (), measurement=measurement)
    selection = Selection(filters=filters, deduplicate=not keep_duplicates)
    if include_structures and output is None:
        raise typer.BadParameter("--include-structures needs --output FOLDER.")
    _run(
        source or [],
        query,
        selection,
        offline=offline,
        refresh=refresh,
        include_structures=include_structures,
        workers=workers,
        output=output,
        endpoints=(mp_endpoint, icsd_endpoint),
    )


def _run(
    texts: list[str],
    query: SourceQuery,
    selection: Selection,
    *,
    offline: bool,
    refresh: bool,
    include_structures: bool,
    workers: int,
    output: Path | None,
    endpoints: tuple[str | None, str | None],
) -> None:
    from dualion.structures.sources.base import Access
    from dualion.structures.sources.cache import Cache
    from dualion.structures.sources.open import Endpoints, all_entries, open_sources
    from dualion.structures.sources.selection import select
    from dualion.workflows.cli.fetch_run import FetchSummary, write_export, write_provenance

    summary = FetchSummary()

    def requested(_: str) -> None:
        summary.fetched_answers += 1

    def failed(_: Source, error: DualionError) -> None:
        summary.failures.append(str(error))

    cache = Cache()
    access = Access(cache=cache, offline=offline, refresh=refresh, requested=requested)
    places = Endpoints(materials_project=endpoints[0], icsd=endpoints[1])
    sources = open_sources(texts, query, access, endpoints=places)
    entries = select(all_entries(sources, on_failure=failed), selection, workers=workers)
    if output is None:
        _count(entries, summary)
    else:
        write_export(entries, output, include_structures=include_structures, summary=summary)
        write_provenance(output, sources=sources, query=query, selection=selection, summary=summary)
    _report(summary, cache.folder)
    if summary.failures and not summary.kept:
        raise typer.Exit(2)


def _count(entries: object, summary: FetchSummary) -> None:
    """Count entries without writing them."""
    for entry in entries:  # type: ignore[attr-defined]
        if isinstance(entry, Rejection):
            summary.reasons[entry.reason] += 1
        else:
            summary.kept[entry.source] += 1


def _report(summary: FetchSummary, cache_folder: Path) -> None:
    for source, count in summary.kept.items():
        typer.echo(f"{count} structures from {source}")
    for reason, count in summary.reasons.most_common():
        typer.echo(f"  {count} sorted out: {reason}")
    for sentence in summary.failures:
        typer.echo(f"dualion: {sentence}", err=True)
    if summary.licensed_structures:
        typer.echo(
            f"{summary.licensed_structures} licensed structures (ICSD) were written out, as you "
            "asked; do not pass them on.",
            err=True,
        )
    typer.echo(f"{summary.fetched_answers} answers fetched from servers; cache: {cache_folder}")
    for path in summary.files:
        typer.echo(f"  {path}")
