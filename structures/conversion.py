"""An ordered ``IonicCrystal`` as ASE atoms, as a pymatgen structure, as a CIF."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import symbol
from dualion.structures.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure


def to_atoms(crystal: IonicCrystal) -> Atoms:
    """Convert the crystal to ASE atoms, in its order of entries.

    Raises:
        InputError: a site is shared or partly empty.
    """
    from ase import Atoms

    _refuse_disorder(crystal)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return Atoms(
            numbers=crystal.numbers, scaled_positions=crystal.frac, cell=crystal.cell, pbc=True
        )


def to_structure(crystal: IonicCrystal) -> Structure:
    """Convert the crystal to a pymatgen structure with its charges.

    Raises:
        InputError: a site is shared or partly empty.
    """
    from pymatgen.core import Lattice, Species, Structure

    _refuse_disorder(crystal)
    species = [
        Species(symbol(int(number)), float(charge))
        for number, charge in zip(crystal.numbers, crystal.charges, strict=True)
    ]
    return Structure(Lattice(crystal.cell), species, crystal.frac)


def cif_text(crystal: IonicCrystal) -> str:
    """Return the crystal as a CIF in P 1, with its oxidation numbers.

    Raises:
        InputError: a site is shared or partly empty.
    """
    from pymatgen.io.cif import CifWriter

    return str(CifWriter(to_structure(crystal), significant_figures=6))


def moved(
    crystal: IonicCrystal, cell: NDArray[np.float64], positions: NDArray[np.float64]
) -> IonicCrystal:
    """Move the ions to other places in another cell.

    Args:
        crystal: the ions.
        cell: shape (3, 3), Å.
        positions: shape (n, 3), Å.
    """
    from dataclasses import replace

    return replace(crystal, cell=np.asarray(cell), frac=positions @ np.linalg.inv(cell))


def _refuse_disorder(crystal: IonicCrystal) -> None:
    if crystal.is_disordered:
        raise InputError(
            "A disordered crystal has no single set of atoms; draw an ordered configuration of it "
            "first."
        )
