"""All files of a finished transport analysis: tables, JSON, figures and densities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dualion.results.figures.files import save_figure
from dualion.results.transport.arrhenius_figure import arrhenius_figure
from dualion.results.transport.axes import add_heading
from dualion.results.transport.figures import (
    density_figure,
    density_path_figure,
    rdf_figure,
    rotation_figure,
    van_hove_figure,
)
from dualion.results.transport.identity import RunOrigin, identify_run
from dualion.results.transport.json_document import report_json
from dualion.results.transport.motion_tables import (
    density_paths_csv,
    framework_csv,
    ions_csv,
    jumps_csv,
    links_csv,
    rotation_csv,
    sites_csv,
    van_hove_csv,
)
from dualion.results.transport.msd_figure import msd_figure
from dualion.results.transport.network_figure import network_figure
from dualion.results.transport.overview import Pair, overview_figure
from dualion.results.transport.tables import msd_band_csv, msd_csv, rdf_csv, species_csv
from dualion.results.transport.volumes import chgcar_text, cube_text
from dualion.screening.transport.arrhenius import Arrhenius
from dualion.screening.transport.combined import CombinedIon
from dualion.screening.transport.report import TransportReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TABLES = {
    "msd.csv": msd_csv,
    "msd_band.csv": msd_band_csv,
    "rdf.csv": rdf_csv,
    "ions.csv": ions_csv,
    "van_hove.csv": van_hove_csv,
    "jumps.csv": jumps_csv,
    "sites.csv": sites_csv,
    "links.csv": links_csv,
    "framework.csv": framework_csv,
    "density_paths.csv": density_paths_csv,
    "rotation.csv": rotation_csv,
}
"""Files of one run and what writes them; one with no row below its head is left out."""

FORMATS = ("png", "svg", "pdf")
DPI = 160


def write_report(
    report: TransportReport,
    folder: Path,
    *,
    arrhenius: Mapping[str, Arrhenius] | None = None,
    combined: Sequence[CombinedIon] = (),
    origin: RunOrigin | None = None,
    pairs: Sequence[Pair] = (),
    figures: bool = True,
    volumes: bool = False,
) -> tuple[Path, ...]:
    """Write the tables, and figures and densities where wanted, and return their paths.

    Args:
        report: the finished analysis of one run.
        folder: an existing folder.
        arrhenius: fits over several runs, by species.
        combined: each ion at each temperature of these runs.
        origin: what made the trajectory, for headings.
        pairs: pairs of elements for the overview figure.
        figures: whether to write figures, as PNG, SVG and PDF.
        volumes: whether to write densities as cube and CHGCAR.

    Raises:
        InputError: the run holds no such pair.
    """
    document = report_json(report, arrhenius, combined=combined, origin=origin)
    texts = {"species.csv": species_csv([report]), "transport.json": document}
    texts |= {name: table(report) for name, table in TABLES.items()}
    if volumes:
        texts |= _volumes(report)
    drawn: tuple[Path, ...] = ()
    if figures:
        drawn = write_figures(
            report, folder, arrhenius=arrhenius, combined=combined, origin=origin, pairs=pairs
        )
    written = []
    for name, text in texts.items():
        if name in TABLES and text.count("\n") < 2:
            continue
        (folder / name).write_text(text, encoding="utf-8")
        written.append(folder / name)
    return (*written, *drawn)


def _file_name(species: str) -> str:
    return species.replace("(", "_").replace(")", "")


def _volumes(report: TransportReport) -> dict[str, str]:
    """Yield name and text of each volumetric file."""
    texts = {}
    for species in report.species:
        name, symbol = _file_name(species.name), species.name.partition("(")[0]
        for density in species.density:
            texts[f"density_{name}.cube"] = cube_text(
                density, np.empty(0, dtype=np.int64), np.empty((0, 3))
            )
            texts[f"CHGCAR_{name}"] = chgcar_text(density, (symbol,), np.zeros((1, 3)))
    return texts


def write_figures(
    report: TransportReport,
    folder: Path,
    *,
    arrhenius: Mapping[str, Arrhenius] | None = None,
    combined: Sequence[CombinedIon] = (),
    origin: RunOrigin | None = None,
    pairs: Sequence[Pair] = (),
) -> tuple[Path, ...]:
    """Write all figures of one analysis, each in every format, and return their paths.

    Args:
        report: the finished analysis.
        folder: folder of the files.
        arrhenius: fits by species.
        combined: each ion at each temperature; none for a single run.
        origin: what made the trajectory.
        pairs: pairs of elements of the overview; none for those that tell most.
    """
    identity = identify_run(report, origin)
    written: list[Path] = []
    for name, figure in _figures_of_run(report, pairs):
        add_heading(figure, identity)
        written += _save(figure, folder, name)
    if len({one.temperature_k for one in combined}) > 1:
        figure = arrhenius_figure(combined, arrhenius or {})
        add_heading(figure, identity, conditions=False)
        written += _save(figure, folder, "arrhenius")
    return tuple(written)


def _save(figure: Figure, folder: Path, name: str) -> list[Path]:
    files = [folder / f"{name}.{kind}" for kind in FORMATS]
    save_figure(figure, files, dpi=DPI)
    return files


def _figures_of_run(report: TransportReport, pairs: Sequence[Pair]) -> Iterator[tuple[str, Figure]]:
    """Yield name and figure of all that one run shows."""
    yield "overview", overview_figure(report, pairs)
    yield "msd", msd_figure(report)
    for rdf in report.rdfs:
        yield f"rdf_{'_'.join(rdf.pair)}", rdf_figure(rdf)
    for species in report.species:
        name = _file_name(species.name)
        for density in species.density:
            yield f"density_{name}", density_figure(density)
            yield f"van_hove_{name}", van_hove_figure(report, species.name)
        for jumps in species.hops:
            if len(jumps.sites):
                yield f"network_{name}", network_figure(jumps, report.pathlines)
        if species.paths:
            yield f"density_path_{name}", density_path_figure(species.paths)
    if report.rotation:
        yield "rotation", rotation_figure(report)
