"""All files of a finished transport analysis: tables, JSON, figures and densities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dualion.results.figures.files import save_figure
from dualion.results.transport.figures import (
    arrhenius_figure,
    density_figure,
    density_path_figure,
    log_msd_figure,
    msd_figure,
    rdf_figure,
    rotation_figure,
    van_hove_figure,
)
from dualion.results.transport.json_document import report_json
from dualion.results.transport.motion_tables import (
    density_paths_csv,
    ions_csv,
    jumps_csv,
    links_csv,
    rotation_csv,
    sites_csv,
    van_hove_csv,
)
from dualion.results.transport.overview import Pair, overview_figure
from dualion.results.transport.tables import msd_csv, rdf_csv, species_csv
from dualion.results.transport.volumes import chgcar_text, cube_text
from dualion.screening.transport.arrhenius import Arrhenius
from dualion.screening.transport.report import TransportReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TABLES = {
    "msd.csv": msd_csv,
    "rdf.csv": rdf_csv,
    "ions.csv": ions_csv,
    "van_hove.csv": van_hove_csv,
    "jumps.csv": jumps_csv,
    "sites.csv": sites_csv,
    "links.csv": links_csv,
    "density_paths.csv": density_paths_csv,
    "rotation.csv": rotation_csv,
}
"""Files of one run and what writes them; one with no row below its head is left out."""


DPI = 160


def write_report(
    report: TransportReport,
    folder: Path,
    *,
    arrhenius: Mapping[str, Arrhenius] | None = None,
    pairs: Sequence[Pair] = (),
    figures: bool = True,
    volumes: bool = False,
) -> tuple[Path, ...]:
    """Write the tables, and figures and densities where wanted, and return their paths.

    Args:
        report: the finished analysis of one run.
        folder: an existing folder.
        arrhenius: fits over several runs, by species.
        pairs: pairs of elements for the overview figure.
        figures: whether to write figures as PNG and SVG.
        volumes: whether to write densities as cube and CHGCAR.

    Raises:
        InputError: the run holds no such pair.
    """
    texts = {"species.csv": species_csv([report]), "transport.json": report_json(report, arrhenius)}
    texts |= {name: table(report) for name, table in TABLES.items()}
    if volumes:
        texts |= _volumes(report)
    drawn = write_figures(report, folder, arrhenius, pairs) if figures else ()
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
    arrhenius: Mapping[str, Arrhenius] | None = None,
    pairs: Sequence[Pair] = (),
) -> tuple[Path, ...]:
    """Write all figures of one analysis as PNG and SVG and return their paths.

    Args:
        report: the finished analysis.
        folder: folder of the files.
        arrhenius: fits by species; none for a single temperature.
        pairs: pairs of elements of the overview; none for those that tell most.
    """
    figures: list[tuple[str, Figure]] = [
        ("overview", overview_figure(report, pairs)),
        ("msd", msd_figure(report)),
        ("msd_log", log_msd_figure(report)),
    ]
    figures += [(f"rdf_{'_'.join(rdf.pair)}", rdf_figure(rdf)) for rdf in report.rdfs]
    for species in report.species:
        name = _file_name(species.name)
        figures += [(f"density_{name}", density_figure(d)) for d in species.density]
        if species.density:
            figures.append((f"van_hove_{name}", van_hove_figure(report, species.name)))
        if species.paths:
            figures.append((f"density_path_{name}", density_path_figure(species.paths)))
    if report.rotation:
        figures.append(("rotation", rotation_figure(report)))
    if arrhenius:
        figures.append(("arrhenius", arrhenius_figure(arrhenius)))
    written: list[Path] = []
    for name, figure in figures:
        files = [folder / f"{name}.{kind}" for kind in ("png", "svg")]
        save_figure(figure, files, dpi=DPI)
        written += files
    return tuple(written)
