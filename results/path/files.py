"""Migration paths as files: a CSV of their points, a CIF with dummy atoms along them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dualion.structures.elements import symbol

if TYPE_CHECKING:
    from dualion.screening.percolation.path import MigrationPath
    from dualion.screening.percolation.sites import Site
    from dualion.structures.crystal import IonicCrystal

COLUMNS = (
    "dimension",
    "point",
    "distance_angstrom",
    "energy_ev",
    "a",
    "b",
    "c",
    "mark",
)
"""``a``, ``b``, ``c``: fractional coordinates, unwrapped, so that the path does not jump."""
SAME_PLACE_ANGSTROM = 0.02
DUMMY = "X"
"""Type symbol of the dummy atoms; viewers and parsers know it as no element."""


def write_path_csv(path: Path, paths: Sequence[MigrationPath]) -> None:
    """Write every point of the paths, with its energy above the field's minimum.

    Args:
        path: the file.
        paths: the paths, one after the other.
    """
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COLUMNS)
        for migration in paths:
            marks = _marks(migration)
            for index, (distance, energy, frac) in enumerate(
                zip(
                    migration.distance_angstrom,
                    migration.energies_ev,
                    migration.frac,
                    strict=True,
                )
            ):
                numbers = [f"{distance:.4f}", f"{energy:.6f}", *(f"{x:.6f}" for x in frac)]
                writer.writerow([migration.dimension, index, *numbers, marks.get(index, "")])


def write_sites_csv(path: Path, sites: Sequence[Site]) -> None:
    """Write the sites in ascending energy, one line for each position in the cell.

    Args:
        path: the file.
        sites: the sites.
    """
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(("site", "energy_ev", "multiplicity", "a", "b", "c"))
        for number, site in enumerate(sites, start=1):
            for frac in site.positions:
                place = [f"{x:.6f}" for x in frac]
                writer.writerow([number, f"{site.energy_ev:.6f}", site.multiplicity, *place])


def _marks(migration: MigrationPath) -> dict[int, str]:
    """Name the marked points of a path: minima and bottleneck."""
    return dict.fromkeys(migration.minima, "minimum") | {migration.bottleneck: "bottleneck"}


def write_path_cif(path: Path, crystal: IonicCrystal, paths: Sequence[MigrationPath]) -> None:
    """Write the crystal, in P1, with a dummy atom at every point of the paths.

    The dummy atoms are named after the path and the point: ``X1_12`` is point 12 of the 1D
    path, ``X1_12_min`` if that is a minimum, ``X1_12_top`` if it is the bottleneck. A point on an
    atom, or on a point that is there already, gets none: parsers refuse two atoms at one place.

    Args:
        path: the file.
        crystal: the crystal.
        paths: the paths.
    """
    lines = [*_header(crystal), *_atom_lines(crystal)]
    for frac, label in free_points(crystal, paths):
        place = " ".join(f"{x:.6f}" for x in frac)
        lines.append(f"{label} {DUMMY} {place} 1.0000")
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def _header(crystal: IonicCrystal) -> list[str]:
    from ase.geometry import cell_to_cellpar

    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    values = cell_to_cellpar(crystal.cell)
    return [
        "data_path",
        *(f"_cell_{name} {value:.6f}" for name, value in zip(names, values, strict=True)),
        "_symmetry_space_group_name_H-M 'P 1'",
        "_symmetry_Int_Tables_number 1",
        "loop_",
        "_symmetry_equiv_pos_as_xyz",
        "'x, y, z'",
        "loop_",
        *(
            f"_atom_site_{name}"
            for name in ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")
        ),
    ]


def _atom_lines(crystal: IonicCrystal) -> list[str]:
    lines = []
    for number, (z, frac, occupancy) in enumerate(
        zip(crystal.numbers, crystal.frac, crystal.occupancies, strict=True), start=1
    ):
        name = symbol(int(z))
        place = " ".join(f"{x:.6f}" for x in frac)
        lines.append(f"{name}{number} {name} {place} {occupancy:.4f}")
    return lines


def free_points(
    crystal: IonicCrystal, paths: Sequence[MigrationPath]
) -> list[tuple[NDArray[np.float64], str]]:
    """Points of the paths whose place is free, each with its label.

    A point on an atom, or on a point that is there already, is left out.

    Args:
        crystal: the crystal.
        paths: the paths.

    Returns:
        Fractional coordinates in [0, 1), shape (3,), and labels such as ``X1_12_top``.
    """
    taken = list(crystal.frac)
    return [point for path in paths for point in _free_of(path, crystal.cell, taken)]


def _free_of(
    migration: MigrationPath, cell: NDArray[np.float64], taken: list[NDArray[np.float64]]
) -> Iterator[tuple[NDArray[np.float64], str]]:
    """Yield the points of one path whose place is free, and take the places."""
    marks = {"minimum": "_min", "bottleneck": "_top", "": ""}
    named = _marks(migration)
    for index, frac in enumerate(migration.frac[:-1] % 1.0):
        gaps = np.array(taken) - frac
        gaps -= np.round(gaps)
        if np.linalg.norm(gaps @ cell, axis=1).min() < SAME_PLACE_ANGSTROM:
            continue
        taken.append(frac)
        yield frac, f"{DUMMY}{migration.dimension}_{index}{marks[named.get(index, '')]}"
