"""Fields as files that viewers read: Gaussian cube, VESTA's .grd, VASP's CHGCAR.

Energies are in eV above the field's minimum. Inside the cores of the framework they reach
thousands of eV, which would flatten every colour scale, so that they are cut at a ceiling.
Sites that several species share are written as the species that is there most.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dualion.structures.elements import symbol

if TYPE_CHECKING:
    from ase import Atoms

    from dualion.structures.crystal import IonicCrystal

CEILING_EV = 20.0
VALUES_PER_LINE = 5


def write_cube(path: Path, energies_ev: NDArray[np.float64], crystal: IonicCrystal) -> None:
    """Write a Gaussian cube file; its lengths are in Bohr, its values in eV.

    Args:
        path: the file.
        energies_ev: shape (nx, ny, nz), eV, without repeated end planes.
        crystal: its cell and atoms.
    """
    from ase.io.cube import write_cube as write

    with path.open("w", encoding="ascii") as handle:
        write(
            handle,
            _atoms(crystal),
            data=_values(energies_ev),
            comment=_title(crystal),
        )


def write_grd(path: Path, energies_ev: NDArray[np.float64], crystal: IonicCrystal) -> None:
    """Write VESTA's periodic .grd: title, cell, counts, one value a line, the last axis fastest.

    Args:
        path: the file.
        energies_ev: shape (nx, ny, nz), eV, without repeated end planes.
        crystal: its cell.
    """
    from ase.geometry import cell_to_cellpar

    parameters = " ".join(f"{x:.6f}" for x in cell_to_cellpar(crystal.cell))
    counts = " ".join(str(n) for n in energies_ev.shape)
    with path.open("w", encoding="ascii") as handle:
        handle.write(f"{_title(crystal)}\n{parameters}\n{counts}\n")
        np.savetxt(handle, _values(energies_ev).ravel(), fmt="%.6f")


def write_chgcar(path: Path, energies_ev: NDArray[np.float64], crystal: IonicCrystal) -> None:
    """Write a CHGCAR: POSCAR, counts, values with the first axis fastest.

    Readers divide what a CHGCAR holds by the volume of the cell; the values are multiplied by
    it, so that a viewer shows eV.

    Args:
        path: the file.
        energies_ev: shape (nx, ny, nz), eV, without repeated end planes.
        crystal: its cell and atoms.
    """
    from ase.io.vasp import write_vasp

    values = (_values(energies_ev) * crystal.volume_cubic_angstrom).ravel(order="F")
    whole = len(values) // VALUES_PER_LINE * VALUES_PER_LINE
    with path.open("w", encoding="ascii") as handle:
        write_vasp(handle, _atoms(crystal), direct=True, sort=True)
        handle.write("\n" + " ".join(f"{n:5d}" for n in energies_ev.shape) + "\n")
        np.savetxt(handle, values[:whole].reshape(-1, VALUES_PER_LINE), fmt="%.11E")
        if whole < len(values):
            np.savetxt(handle, values[None, whole:], fmt="%.11E")


WRITERS = {"cube": write_cube, "grd": write_grd, "chgcar": write_chgcar}
"""Name of the format → writer."""


def _values(energies_ev: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.minimum(energies_ev - energies_ev.min(), CEILING_EV))


def _title(crystal: IonicCrystal) -> str:
    return f"{_atoms(crystal).get_chemical_formula()} bond valence site energy in eV, dualion"


def _atoms(crystal: IonicCrystal) -> Atoms:
    """Make ASE atoms: at each place the species of the largest occupancy."""
    from ase import Atoms

    largest_first = np.argsort(-crystal.occupancies, kind="stable")
    places = np.round(crystal.frac, 5) % 1.0
    _, first = np.unique(places[largest_first], axis=0, return_index=True)
    chosen = np.sort(largest_first[first])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return Atoms(
            symbols=[symbol(int(z)) for z in crystal.numbers[chosen]],
            scaled_positions=crystal.frac[chosen],
            cell=crystal.cell,
            pbc=True,
        )
