"""``dualion analyze``: from MD trajectories to D, conductivity, transport numbers and figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from structures.errors import InputError

if TYPE_CHECKING:
    from screening.transport.arrhenius import Arrhenius
    from screening.transport.options import AnalysisOptions
    from screening.transport.report import TransportReport
    from structures.trajectories.options import ReadOptions

NAN = float("nan")


def register(app: typer.Typer) -> None:
    """Add the command ``analyze`` to an application."""
    app.command("analyze", help=_HELP)(analyze)


_HELP = (
    "Analyse MD trajectories: what each ion does, D with its interval, conductivity, transport "
    "numbers, structure. Several trajectories are replicas where their temperatures agree, and "
    "an Arrhenius series where they differ."
)

Paths = Annotated[list[Path], typer.Argument(help="Trajectory files, .gz or not.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for tables and figures.")]
Temperatures = Annotated[
    str, typer.Option("--temperature-k", help="K; one, or one per trajectory: 600,700.")
]
FrameStep = Annotated[
    float, typer.Option("--frame-step-fs", help="Time between two frames of the file, fs.")
]
Skip = Annotated[float, typer.Option("--skip-ps", help="Equilibration to drop, ps.")]
Every = Annotated[int, typer.Option("--every", help="Keep one frame of so many.")]
Format = Annotated[str, typer.Option("--format", help="File format, if its name does not tell.")]
Cell = Annotated[str, typer.Option("--cell", help="a,b,c or nine numbers, Å.")]
Types = Annotated[str, typer.Option("--types", help="Elements of LAMMPS types: Li,P,S.")]
Topology = Annotated[
    Path | None, typer.Option("--topology", help="Structure file that names a DCD's atoms.")
]
Charges = Annotated[str, typer.Option("--charges", help="Charges, e: Li=1,P=5,S=-2.")]
Held = Annotated[
    str,
    typer.Option(
        "--framework", help="Immobile elements: P,S; or none. Default: polyanion centres."
    ),
]
Hop = Annotated[float, typer.Option("--hop-length", help="Length of a jump, Å.")]
Earliest = Annotated[
    float,
    typer.Option("--earliest-ps", help="Fits start no earlier, ps (nor than a tenth of the run)."),
]
Figures = Annotated[bool, typer.Option("--figures/--no-figures", help="Write PNG and SVG.")]
Volumes = Annotated[bool, typer.Option("--volumes", help="Write densities as cube and CHGCAR.")]


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
    charges: Charges = "",
    framework: Held = "",
    hop_length: Hop = NAN,
    earliest_ps: Earliest = 1.0,
    figures: Figures = True,
    volumes: Volumes = False,
) -> None:
    """Analyse trajectories; the options are described where they are declared."""
    from screening.transport.options import AnalysisOptions
    from structures.trajectories.options import ReadOptions

    temperatures = _temperatures(temperature_k, len(trajectories))
    reading = ReadOptions(
        frame_step_ps=frame_step_fs * 1e-3,
        format=file_format,
        skip_ps=skip_ps,
        every=every,
        cell=_numbers(cell, "--cell"),
        type_symbols=_words(types),
        topology=topology,
    )
    options = AnalysisOptions(
        framework=_words(framework),
        charges_e=_charges(charges),
        hop_length_angstrom=hop_length,
        earliest_ps=earliest_ps,
    )
    reports = _analysed(trajectories, temperatures, reading, options)
    fits, combined = _series(reports)
    _write(reports, fits, out, figures=figures, volumes=volumes)
    for line in _printed(reports, fits, combined):
        typer.echo(line)
    typer.echo(f"Tables and figures: {out}")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _numbers(text: str, option: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in _words(text.replace(" ", ",")))
    except ValueError as error:
        raise InputError(f"{option} {text!r} holds what is no number ({error}).") from error


def _temperatures(text: str, count: int) -> tuple[float, ...]:
    values = _numbers(text, "--temperature-k") or (NAN,)
    if len(values) == 1:
        values *= count
    if len(values) != count:
        raise InputError(
            f"{len(values)} temperatures were given for {count} trajectories; give one, or one "
            "for each."
        )
    if any(value <= 0.0 for value in values):
        raise InputError("A temperature must be above 0 K.")
    return values


def _charges(text: str) -> dict[str, float]:
    charges = {}
    for word in _words(text):
        element, sign, value = word.partition("=")
        if not sign:
            raise InputError(f"--charges {text!r}: write element=charge, as in Li=1,S=-2.")
        charges[element.strip()] = _numbers(value, "--charges")[0]
    return charges


def _analysed(
    paths: Sequence[Path],
    temperatures: Sequence[float],
    reading: ReadOptions,
    options: AnalysisOptions,
) -> list[TransportReport]:
    from dataclasses import replace

    from screening.transport.analysis import analyse
    from structures.errors import DualionError, StructureError
    from structures.trajectories import read_trajectory

    reports, failures = [], []
    for path, temperature in zip(paths, temperatures, strict=True):
        try:
            trajectory = read_trajectory(path, replace(reading, temperature_k=temperature))
            reports.append(analyse(trajectory, options))
        except StructureError as error:
            failures.append(f"{path}: {error}")
    for failure in failures:
        typer.echo(f"skipped: {failure}", err=True)
    if not reports:
        kind: type[DualionError] = InputError
        raise kind(f"No trajectory could be analysed. {failures[0] if failures else ''}".strip())
    return reports


def _series(
    reports: Sequence[TransportReport],
) -> tuple[dict[str, Arrhenius], list[tuple[str, float, float, float]]]:
    """Replicas combined per temperature, and an Arrhenius fit per species where it is due."""
    from screening.transport.arrhenius import arrhenius
    from screening.transport.replicas import combine_replicas

    combined: list[tuple[str, float, float, float]] = []
    if len({tuple(s.name for s in report.species) for report in reports}) > 1:
        typer.echo("The trajectories hold different ions and are not combined.", err=True)
        return {}, []
    names = dict.fromkeys(species.name for report in reports for species in report.species)
    temperatures = dict.fromkeys(round(report.temperature_k, 1) for report in reports)
    for name in names:
        for temperature in temperatures:
            runs = [
                species.diffusion
                for report in reports
                for species in report.species
                if species.name == name and round(report.temperature_k, 1) == temperature
            ]
            if runs and temperature == temperature:
                together = combine_replicas(runs)
                moves = together.verdict in ("diffusing", "not resolved")
                value = together.d_cm2_s if moves else NAN
                combined.append((name, temperature, value, together.error_cm2_s))
    fits = {}
    for name in names:
        points = [row for row in combined if row[0] == name]
        resolved = {t for _, t, d, e in points if d > e}
        if len(resolved) > 1:
            fits[name] = arrhenius(*zip(*((t, d, e) for _, t, d, e in points), strict=True))
    return fits, combined


def _write(
    reports: Sequence[TransportReport],
    fits: dict[str, Arrhenius],
    out: Path,
    *,
    figures: bool,
    volumes: bool,
) -> None:
    from results.transport_figures import write_figures
    from results.transport_json import report_json
    from results.transport_tables import msd_csv, rdf_csv, species_csv

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {out} cannot be made ({error}); choose another.") from error
    (out / "species.csv").write_text(species_csv(reports), encoding="utf-8")
    for report, folder in zip(reports, _folders(reports, out), strict=True):
        folder.mkdir(exist_ok=True)
        (folder / "transport.json").write_text(report_json(report, fits), encoding="utf-8")
        (folder / "msd.csv").write_text(msd_csv(report), encoding="utf-8")
        (folder / "rdf.csv").write_text(rdf_csv(report), encoding="utf-8")
        if figures:
            write_figures(report, folder, fits)
        if volumes:
            _write_volumes(report, folder)


def _folders(reports: Sequence[TransportReport], out: Path) -> list[Path]:
    """The output folder itself for one run, numbered sub-folders for several."""
    if len(reports) == 1:
        return [out]
    return [out / f"run_{number}" for number in range(1, len(reports) + 1)]


def _write_volumes(report: TransportReport, folder: Path) -> None:
    import numpy as np

    from results.transport_volumes import chgcar_text, cube_text

    none = np.empty((0, 3))
    for species in report.species:
        clean = species.name.replace("(", "_").replace(")", "")
        for density in species.density:
            cube = cube_text(density, np.empty(0, dtype=np.int64), none)
            (folder / f"density_{clean}.cube").write_text(cube, encoding="utf-8")
            symbol = species.name.partition("(")[0]
            chgcar = chgcar_text(density, (symbol,), np.zeros((1, 3)))
            (folder / f"CHGCAR_{clean}").write_text(chgcar, encoding="utf-8")


def _printed(
    reports: Sequence[TransportReport],
    fits: dict[str, Arrhenius],
    combined: Sequence[tuple[str, float, float, float]],
) -> list[str]:
    from results.transport_summary import summary_lines

    lines = [line for report in reports for line in summary_lines(report)]
    if len(reports) > 1:
        lines += [
            f"{name} at {temperature:g} K: D = {value:.3g} ± {error:.1g} cm²/s, all runs"
            for name, temperature, value, error in combined
            if value == value
        ]
    for name, fit in fits.items():
        middle, low, high = fit.predict([300.0])
        lines.append(
            f"{name}: E_a = {fit.activation_energy_ev:.3f} ± {fit.error_ev:.3f} eV, "
            f"D(300 K) = {middle[0]:.2g} ({low[0]:.1g} … {high[0]:.1g}) cm²/s"
        )
    return lines
