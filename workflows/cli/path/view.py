"""What ``dualion path`` shows in the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dualion.results.path.figure import text_plot
from dualion.screening.bvse.bond_valence_sum import bvs_quality
from dualion.structures.errors import MissingParametersError

if TYPE_CHECKING:
    from dualion.screening.bvse.bond_valence_sum import BondValenceQuality
    from dualion.screening.percolation.pathways import IonMap
    from dualion.screening.percolation.sites import NearAtom

SHOWN_SITES = 10
SHOWN_NEIGHBOURS = 4
GII_LIMIT_VU = 0.2


def show(console: Console, found: IonMap, *, name: str, dimensions: Sequence[int]) -> None:
    """Print barriers, bottlenecks, a plot of each path, and the sites.

    Args:
        console: where to print.
        found: field, paths and sites of the ion.
        name: name of the structure.
        dimensions: dimensionalities to show.
    """
    ion, parameters = found.ion, found.quality.label.replace("_", " ")
    console.print(Text(f"{ion} in {name}", style="bold"), Text(f"({parameters} parameters)"))
    console.print(Text(_gii_line(_quality(found))))
    console.print(_barrier_table(found, dimensions))
    for path in found.paths:
        if path.dimension in dimensions:
            _plot(console, found, path.dimension)
    console.print(_site_table(found))


def _quality(found: IonMap) -> BondValenceQuality | None:
    try:
        return bvs_quality(found.crystal)
    except MissingParametersError:
        return None


def _gii_line(quality: BondValenceQuality | None) -> str:
    if quality is None:
        return "Global instability index: unknown, a pair of ions has no parameters."
    doubt = " (above 0.2: cell, positions or charges are doubtful, or bonds not ionic)"
    return (
        f"Global instability index {quality.gii_vu:.3f} v.u."
        f"{doubt if quality.gii_vu > GII_LIMIT_VU else ''}"
    )


def _energy(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _place(frac: Sequence[float]) -> str:
    """Write fractional coordinates."""
    return " ".join(f"{x:.3f}" for x in frac)


def _neighbours(atoms: Sequence[NearAtom]) -> str:
    return ", ".join(f"{a.element} {a.distance_angstrom:.2f}" for a in atoms[:SHOWN_NEIGHBOURS])


def _barrier_table(found: IonMap, dimensions: Sequence[int]) -> Table:
    table = Table(title="Barriers (eV) and bottlenecks", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("", "barrier", "refined"):
        table.add_column(heading, justify="right")
    table.add_column("along", no_wrap=True)
    table.add_column("bottleneck", no_wrap=True)
    table.add_column("nearest atoms (Å)")
    by_dimension = {path.dimension: number for number, path in enumerate(found.paths)}
    for dimension in dimensions:
        barrier = found.barriers_ev[dimension - 1]
        if dimension not in by_dimension:
            table.add_row(f"{dimension}D", _energy(barrier), *["-"] * 4)
            continue
        path = found.paths[by_dimension[dimension]]
        top = found.bottlenecks[by_dimension[dimension]]
        table.add_row(
            f"{dimension}D",
            _energy(barrier),
            _energy(found.refined_ev[dimension - 1]),
            " ".join(str(n) for n in path.winding),
            _place(top.frac),
            _neighbours(top.neighbours),
        )
    return table


def _plot(console: Console, found: IonMap, dimension: int) -> None:
    path = next(path for path in found.paths if path.dimension == dimension)
    lines = text_plot(path)
    console.print(f"{dimension}D: eV above the field's minimum, {len(path.minima) - 1} hops")
    for row, line in enumerate(lines):
        level = f"{path.barrier_ev:6.3f} " if row == 0 else " " * 7
        console.print(Text(f"{level}│{line}"), no_wrap=True)
    length = f"{path.distance_angstrom[-1]:.1f} Å"
    console.print(Text(f" 0.000 └{length.rjust(len(lines[0]), '─')}"), no_wrap=True)


def _site_table(found: IonMap) -> Table:
    shown = min(SHOWN_SITES, len(found.sites))
    title = f"Sites ({shown} of {len(found.sites)}; energies in eV above the lowest)"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("energy", "in the cell"):
        table.add_column(heading, justify="right")
    table.add_column("position", no_wrap=True)
    table.add_column("nearest atoms (Å)")
    for site in found.sites[:shown]:
        table.add_row(
            _energy(site.energy_ev),
            str(site.multiplicity),
            _place(site.frac.tolist()),
            _neighbours(site.neighbours),
        )
    return table
