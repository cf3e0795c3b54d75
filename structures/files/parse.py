"""From a raw entry to a structure record; this is what worker processes do."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dualion.structures.errors import StructureError, UnreadableStructureError
from dualion.structures.files.build import too_many_sites
from dualion.structures.files.cif.block import read_cif
from dualion.structures.files.cif.formula import amounts_of, formula_agrees, read_formula
from dualion.structures.files.entries import iter_raw_entries
from dualion.structures.files.json_structure import (
    json_metadata,
    load_json,
    read_pymatgen,
    read_row,
)
from dualion.structures.files.limits import DEFAULT_LIMITS, ReadLimits
from dualion.structures.files.poscar import read_poscar
from dualion.structures.files.xyz import read_extxyz
from dualion.structures.records import RawEntry, Rejection, StructureRecord, source_file_of

if TYPE_CHECKING:
    from pymatgen.core import Structure

SMALLEST_VOLUME_CUBIC_ANGSTROM = 1.0
"""A cell below this holds no atom, let alone a structure."""

WARNING_CHARACTERS = 1000
"""Longest ``reader_warnings`` that is kept."""

_LINE_END = re.compile(r"\r*\n|\r")

Parsed = tuple["Structure", dict[str, str | float | bool | None], list[str]]


def parse_entry(raw: RawEntry, *, max_sites: int = DEFAULT_LIMITS.max_sites) -> StructureRecord:
    """Parse the text of one structure.

    Args:
        raw: an entry of ``iter_raw_entries`` or of another source.
        max_sites: most sites that the cell may have.

    Returns:
        The record: partial occupancies and oxidation states as the text gives them. Warnings
        of the reader are in ``metadata["reader_warnings"]``, separated by ``; ``.

    Raises:
        UnreadableStructureError: the text is no usable crystal structure, for any reason.
    """
    try:
        structure, metadata, notes = _parse(raw, max_sites)
        _check(structure, max_sites)
    except UnreadableStructureError:
        raise
    except Exception as error:
        # Readers of other projects raise whatever they happen to run into on broken text;
        # here, at the border, all of it means the same thing.
        raise UnreadableStructureError(
            f"The {raw.format} text cannot be read ({type(error).__name__}: {_short(error)}); "
            "check the file or write it again."
        ) from error
    if notes:
        metadata["reader_warnings"] = "; ".join(dict.fromkeys(notes))[:WARNING_CHARACTERS]
    metadata = {**metadata, **raw.metadata}
    stated = read_formula(str(metadata.get("stated_formula") or ""))
    if stated is not None:
        metadata["stated_formula_agrees"] = formula_agrees(amounts_of(structure), stated)
    return StructureRecord(
        source=raw.source, source_id=raw.source_id, structure=structure, metadata=metadata
    )


def read_structures(
    paths: Iterable[str | Path], *, limits: ReadLimits = DEFAULT_LIMITS
) -> Iterator[StructureRecord | Rejection]:
    """Parse every structure in files, folders, globs and archives.

    Args:
        paths: files, folders (with all below), globs (``*``, ``**``), archives.
        limits: bounds on size.

    Returns:
        An iterator of records; what cannot be parsed becomes a ``Rejection`` of stage ``read``.

    Raises:
        InputError: a path or a glob matches nothing.
    """
    entries = iter_raw_entries(paths, limits=limits)
    return (_record(entry, limits) for entry in entries)


def _record(entry: RawEntry | Rejection, limits: ReadLimits) -> StructureRecord | Rejection:
    if isinstance(entry, Rejection):
        return entry
    try:
        return parse_entry(entry, max_sites=limits.max_sites)
    except UnreadableStructureError as error:
        return unreadable(entry, error)


def unreadable(entry: RawEntry, error: StructureError) -> Rejection:
    """Build the record of an entry that cannot be read, with the reason.

    Args:
        entry: the entry.
        error: what parsing it raised.
    """
    return Rejection(
        source=entry.source,
        source_id=entry.source_id,
        stage="read",
        reason=error.reason,
        message=str(error),
        source_file=source_file_of(entry),
    )


def _parse(raw: RawEntry, max_sites: int) -> Parsed:
    text = _LINE_END.sub("\n", raw.text)
    if raw.format in ("jsonl_row", "pymatgen_json"):
        value = load_json(text)
        if raw.format == "jsonl_row":
            return read_row(value, max_sites=max_sites), json_metadata(value), []
        return read_pymatgen(value, max_sites=max_sites), json_metadata(value), []
    if raw.format == "extxyz":
        return read_extxyz(text, max_sites=max_sites), {}, []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # What a library will change one day says nothing about the structure.
        warnings.simplefilter("ignore", DeprecationWarning)
        if raw.format == "cif":
            structure, metadata, notes = read_cif(text, max_sites=max_sites)
        elif raw.format == "poscar":
            structure, metadata, notes = read_poscar(text, max_sites=max_sites), {}, []
        else:
            raise UnreadableStructureError(
                f"There is no reader for the format {raw.format!r}.", reason="unknown_format"
            )
    notes.extend(_short(warning.message) for warning in caught)
    return structure, metadata, notes


def _short(problem: object) -> str:
    return " ".join(str(problem).split())[:300]


def _check(structure: Structure, max_sites: int) -> None:
    """Refuse what no reader should have let through."""
    from pymatgen.core import DummySpecies

    count = len(structure)
    if count == 0:
        raise UnreadableStructureError("The structure has no sites.", reason="no_atoms")
    if count > max_sites:
        raise too_many_sites(count, max_sites)
    cell, positions = structure.lattice.matrix, structure.frac_coords
    finite = bool(np.isfinite(cell).all() and np.isfinite(positions).all())
    if not finite or float(np.abs(positions).max()) > 1e6:
        raise UnreadableStructureError(
            "A coordinate or a length of the cell is no finite number of a sensible size; correct "
            "it.",
            reason="bad_number",
        )
    volume = abs(float(np.linalg.det(cell)))
    if not SMALLEST_VOLUME_CUBIC_ANGSTROM < volume < 1e9:
        raise UnreadableStructureError(
            f"The cell has a volume of {volume:.3g} Å³, which no crystal has; check its lengths "
            "and angles.",
            reason="bad_cell",
        )
    if any(isinstance(kind, DummySpecies) for kind in structure.composition):
        raise UnreadableStructureError(
            "A site holds no chemical element; write the element.", reason="unknown_element"
        )
