"""``dualion analyze``: from MD trajectories to D, conductivity, transport numbers and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dualion.structures.errors import DualionError, InputError, StructureError
from dualion.workflows.cli.analyze.options import (
    EPILOG,
    HELP,
    Cell,
    Charges,
    Continue,
    Defects,
    Earliest,
    Every,
    Figures,
    Format,
    FrameStep,
    Held,
    Hop,
    Out,
    Pairs,
    Paths,
    PosteriorOption,
    Potential,
    Replicas,
    Skip,
    Temperatures,
    Topology,
    Types,
    Verbose,
    Volumes,
)
from dualion.workflows.cli.analyze.parsers import (
    NAN,
    parse_charges,
    parse_numbers,
    parse_pairs,
    parse_pieces,
    parse_posterior,
    parse_temperatures,
    split_words,
)

if TYPE_CHECKING:
    from dualion.results.transport.identity import RunOrigin
    from dualion.screening.transport.arrhenius import Arrhenius
    from dualion.screening.transport.combined import CombinedIon
    from dualion.screening.transport.options import AnalysisOptions
    from dualion.screening.transport.report import TransportReport
    from dualion.structures.trajectories.options import ReadOptions
    from dualion.structures.trajectories.pieces.runs import PieceMode


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenTogether:
    """What the files of each run hold of all runs.

    Attributes:
        fits: Arrhenius fits by ion.
        combined: each ion at each temperature, replicas together.
        pairs: pairs of elements of the overview.
    """

    fits: Mapping[str, Arrhenius]
    combined: Sequence[CombinedIon]
    pairs: Sequence[tuple[str, str]]


def register(app: typer.Typer) -> None:
    """Add the command ``analyze`` to an application."""
    app.command("analyze", help=HELP, epilog=EPILOG)(analyze)


def analyze(
    trajectories: Paths,
    out: Out = Path("transport"),
    temperature_k: Temperatures = "",
    frame_step_fs: FrameStep = NAN,
    skip_ps: Skip = 0.0,
    every: Every = 1,
    file_format: Format = "",
    cell: Cell = "",
    types: Types = "",
    topology: Topology = None,
    replicas: Replicas = False,
    continued: Continue = False,
    charges: Charges = "",
    framework: Held = "",
    hop_length: Hop = NAN,
    earliest_ps: Earliest = 1.0,
    posterior: PosteriorOption = "auto",
    pairs: Pairs = "",
    figures: Figures = True,
    volumes: Volumes = False,
    potential: Potential = "",
    defects: Defects = "",
    verbose: Verbose = False,
) -> None:
    """Analyse trajectories; each argument is described where its option is declared."""
    from dualion.results.transport.combined import combined_csv
    from dualion.screening.transport.combined import combine_runs, fit_arrhenius
    from dualion.screening.transport.options import AnalysisOptions
    from dualion.structures.trajectories.options import ReadOptions
    from dualion.workflows.cli.analyze.origin import origin_of_file

    temperatures = parse_temperatures(temperature_k, len(trajectories))
    parse_pairs(pairs)  # refused before trajectories are read for hours
    pieces = parse_pieces(replicas=replicas, continued=continued)
    reading = ReadOptions(
        frame_step_ps=frame_step_fs * 1e-3,
        format=file_format,
        skip_ps=skip_ps,
        every=every,
        cell=parse_numbers(cell, "--cell"),
        type_symbols=split_words(types),
        topology=topology,
    )
    options = AnalysisOptions(
        framework=split_words(framework),
        charges_e=parse_charges(charges),
        hop_length_angstrom=hop_length,
        earliest_ps=earliest_ps,
        posterior=parse_posterior(posterior),
    )
    each = [replace(reading, temperature_k=kelvin) for kelvin in temperatures]
    analysed = _analyse_all(trajectories, each, options, pieces)
    reports = [report for report, _ in analysed]
    _warn_of_combination(reports)
    combined = combine_runs(reports)
    fits = fit_arrhenius(combined)
    shared = WrittenTogether(fits=fits, combined=combined, pairs=parse_pairs(pairs))
    origins = [
        origin_of_file(report, path, potential=potential, defects=defects)
        for report, path in analysed
    ]
    _write_reports(reports, origins, out, shared, figures=figures, volumes=volumes)
    if len(reports) > 1:
        (out / "combined.csv").write_text(combined_csv(combined), encoding="utf-8")
    for line in _result_lines(reports, fits, combined, verbose=verbose):
        typer.echo(line)
    typer.echo(f"Tables and figures: {out}")


def _analyse_all(
    paths: Sequence[Path],
    reading: Sequence[ReadOptions],
    options: AnalysisOptions,
    pieces: PieceMode,
) -> list[tuple[TransportReport, Path]]:
    """Read the runs, with pieces joined, and analyse each; files that are damaged are named.

    Returns:
        Each analysis, and the first file of its run.
    """
    from dualion.screening.transport.analysis import analyse
    from dualion.structures.trajectories.pieces.runs import read_runs

    reports, failures = [], []

    def note_failure(path: Path, error: StructureError) -> None:
        failures.append(f"{path}: {error}")

    for run in read_runs(paths, reading, pieces=pieces, on_failure=note_failure):
        if run.note:
            typer.echo(run.note)
        try:
            reports.append((analyse(run.trajectory, options), run.sources[0]))
        except StructureError as error:
            note_failure(run.sources[0], error)
    for failure in failures if reports or len(failures) > 1 else ():
        typer.echo(f"skipped: {failure}", err=True)
    if not reports:
        kind: type[DualionError] = InputError
        raise kind(f"No trajectory could be analysed. {failures[0] if failures else ''}".strip())
    return reports


def _warn_of_combination(reports: Sequence[TransportReport]) -> None:
    """Name the ions and runs that enter no average."""
    from dualion.screening.transport.combined import shared_names
    from dualion.structures.trajectories.types import TEMPERATURE_RAMP

    unlike = shared_names(reports)[1]
    if unlike:
        typer.echo(
            f"Not combined, as they are not in every run: {', '.join(unlike)}. Ions that are bound "
            "in some runs only have two names.",
            err=True,
        )
    ramps = [report.source for report in reports if TEMPERATURE_RAMP in report.flags]
    if ramps:
        typer.echo(
            "In no average and no activation energy, for the thermostat was heated or cooled and "
            f"there is no single temperature: {', '.join(ramps)}.",
            err=True,
        )


def _write_reports(
    reports: Sequence[TransportReport],
    origins: Sequence[RunOrigin],
    out: Path,
    shared: WrittenTogether,
    *,
    figures: bool,
    volumes: bool,
) -> None:
    from dualion.results.transport.files import write_report
    from dualion.results.transport.tables import species_csv

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {out} cannot be made ({error}); choose another.") from error
    for report, origin, folder in zip(reports, origins, _output_folders(reports, out), strict=True):
        folder.mkdir(exist_ok=True)
        write_report(
            report, folder, arrhenius=shared.fits, combined=shared.combined, pairs=shared.pairs,
            origin=origin, figures=figures, volumes=volumes,
        )  # fmt: skip
    (out / "species.csv").write_text(species_csv(reports), encoding="utf-8")


def _output_folders(reports: Sequence[TransportReport], out: Path) -> list[Path]:
    """The output folder itself for one run, numbered sub-folders for several."""
    if len(reports) == 1:
        return [out]
    return [out / f"run_{number}" for number in range(1, len(reports) + 1)]


def _result_lines(
    reports: Sequence[TransportReport],
    fits: Mapping[str, Arrhenius],
    combined: Sequence[CombinedIon],
    *,
    verbose: bool,
) -> list[str]:
    """Write the answer in five lines at most, and the details where they are wanted."""
    from dualion.results.transport.combined import combined_lines
    from dualion.results.transport.headline import headline
    from dualion.results.transport.needed import needed_lines
    from dualion.results.transport.summary import summary_lines

    lines = headline(reports, combined, fits)
    if verbose:
        lines.append("")
        for report in reports:
            lines += [*summary_lines(report), *(f"  {line}" for line in needed_lines(report))]
        lines += combined_lines(combined)
    return lines
