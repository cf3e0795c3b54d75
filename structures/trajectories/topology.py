"""The elements of a trajectory's atoms from another file, for formats that hold none.

The file is read by the readers of this program, whose sizes are bounded, and PDB by ASE's, which
goes line by line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dualion.structures.errors import DualionError, InputError
from dualion.structures.files import DEFAULT_LIMITS, read_structures
from dualion.structures.records import Rejection
from dualion.structures.trajectories.text import MAX_ATOMS, check_exists, stem_name
from dualion.structures.trajectories.types import TruncatedFileError
from dualion.structures.trajectories.xyz import xyz_blocks

XYZ = (".xyz", ".extxyz", ".exyz")
PDB = (".pdb", ".ent")
LIMITS = replace(DEFAULT_LIMITS, max_sites=MAX_ATOMS)

Symbols = tuple[str, ...]


def topology_symbols(path: Path, of_trajectory: Callable[[Path], Symbols | None]) -> Symbols:
    """Chemical symbol of each atom of a file.

    Args:
        path: CIF, POSCAR, XYZ or PDB, or a trajectory of the same atoms.
        of_trajectory: gives the symbols of a trajectory, or None where its name is of none.

    Raises:
        InputError: the file is missing, damaged, or does not name the atoms.
    """
    check_exists(path)
    name = stem_name(path)
    try:
        if name.endswith(XYZ):
            return _first_block(path)
        if name.endswith(PDB):
            return _of_pdb(path)
        found = of_trajectory(path)
        return _of_structure(path) if found is None else found
    except (DualionError, TruncatedFileError) as error:
        raise InputError(
            f"The topology {path.name} does not name the atoms ({error}); give a CIF, POSCAR, XYZ "
            "or PDB of the same atoms."
        ) from error


def _first_block(path: Path) -> Symbols:
    block = next(xyz_blocks(path), None)
    if block is None:
        raise InputError("it holds no frame")
    return block.symbols


def _of_pdb(path: Path) -> Symbols:
    import ase.io

    # The boundary at which another library's errors, of any class, become ours.
    try:
        atoms = ase.io.read(path, index=0, format="proteindatabank")
    except Exception as error:
        raise InputError(" ".join(str(error).split())[:120]) from error
    if len(atoms) == 0:
        raise InputError("it holds no atoms")
    return tuple(atoms.get_chemical_symbols())


def _of_structure(path: Path) -> Symbols:
    found = next(iter(read_structures([path], limits=LIMITS)), None)
    if found is None:
        raise InputError("it holds no structure")
    if isinstance(found, Rejection):
        raise InputError(found.message.rstrip("."))
    if not found.structure.is_ordered:
        raise InputError("its sites are shared by several elements")
    return tuple(site.specie.symbol for site in found.structure)
