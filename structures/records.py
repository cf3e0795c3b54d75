"""What a source gives: raw entries, records, rejections.

Reading is split in two so that it scales. ``RawEntry`` is cheap to make and to send to
another process: a name and the text of one structure. ``StructureRecord`` is that entry
parsed. Whatever cannot be parsed becomes a ``Rejection``; nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from dualion.structures.text import printable_name, storable_text

if TYPE_CHECKING:
    from pymatgen.core import Structure

Metadata = Mapping[str, str | float | bool | None]
"""What the source knows beside the structure, for example ``energy_above_hull_ev_atom``,
``band_gap_ev``, ``temperature_k``, ``theoretical``."""

SOURCE_FILE = "source_file"
"""Of the metadata: file, or archive and member, that a structure was read from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEntry:
    """The unparsed text of one structure.

    Attributes:
        source: name of the source, for example ``file`` or ``materials_project``.
        source_id: name of the structure within the source, unique in one run; characters that
            cannot be printed are escaped.
        format: name of the parser: ``cif``, ``poscar``, ``extxyz``, ``pymatgen_json``,
            ``jsonl_row``.
        text: the text of this one structure.
        metadata: what the source knows beside the structure.
    """

    source: str
    source_id: str
    format: str
    text: str
    metadata: Metadata = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "source_id", printable_name(self.source_id))
        object.__setattr__(self, "metadata", storable_metadata(self.metadata))


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureRecord:
    """One structure and where it came from.

    Attributes:
        source: name of the source.
        source_id: name of the structure within the source.
        structure: the structure as the source gives it: species with or without oxidation
            states, partial occupancies kept.
        metadata: what the source knows beside the structure.
    """

    source: str
    source_id: str
    structure: Structure
    metadata: Metadata = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "source_id", printable_name(self.source_id))
        object.__setattr__(self, "metadata", storable_metadata(self.metadata))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A structure that was found but cannot be used, and why.

    Attributes:
        source: name of the source.
        source_id: name of the structure (or of the file that holds none).
        stage: where it ended: ``read``, ``filter``, ``prepare``, ``screen``.
        reason: stable snake_case name, for tables and filters.
        message: one sentence that says what, why and what to do.
        source_file: file, or archive and member, that it was found in; empty where there is none.
    """

    source: str
    source_id: str
    stage: str
    reason: str
    message: str
    source_file: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "source_id", printable_name(self.source_id))
        object.__setattr__(self, "source_file", printable_name(self.source_file))
        object.__setattr__(self, "message", printable_name(self.message))


def source_file_of(entry: RawEntry | Rejection) -> str:
    """Return the file, or archive and member, that an entry was read from; empty for none."""
    if isinstance(entry, Rejection):
        return entry.source_file
    return str(entry.metadata.get(SOURCE_FILE) or "")


def storable_metadata(metadata: Metadata) -> Metadata:
    """Metadata whose texts can be encoded and stored everywhere."""
    return {
        storable_text(name): storable_text(value) if isinstance(value, str) else value
        for name, value in metadata.items()
    }


def cell_kind_of(metadata: Metadata) -> Literal["dft", "experiment", "unknown"]:
    """Return whether a cell was computed or measured, as far as its source says.

    ``theoretical`` decides where it is known; a temperature, a database code or an R value
    speaks for a measurement, an energy above the hull for a calculation.
    """
    theoretical = metadata.get("theoretical")
    if isinstance(theoretical, bool):
        return "dft" if theoretical else "experiment"
    if metadata.get("energy_above_hull_ev_atom") is not None:
        return "dft"
    measured = ("temperature_k", "database_code", "r_value")
    return "experiment" if any(metadata.get(key) for key in measured) else "unknown"


READER_FLAGS: tuple[tuple[str, bool, str], ...] = (
    ("stated_formula_agrees", False, "stated_formula_differs"),
    ("elements_guessed", True, "elements_guessed"),
    ("implicit_hydrogens", True, "implicit_hydrogens"),
    ("symmetry_fits_cell", False, "symmetry_contradicts_cell"),
)
"""Metadata of a reader, the value that a user must know of, and the flag that says so."""


def reader_flags(metadata: Metadata) -> tuple[str, ...]:
    """Flags of a row for what the reader found wrong with a source's own statements."""
    return tuple(flag for name, value, flag in READER_FLAGS if metadata.get(name) is value)
