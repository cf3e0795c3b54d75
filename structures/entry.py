"""From the text of a structure to a crystal that the physics takes: parse, then prepare.

Whatever computes with a structure of a run prepares it here, so that tables, report pages, paths,
doping and molecular dynamics are of the same crystal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dualion.structures.crystal import IonicCrystal
from dualion.structures.files.limits import DEFAULT_LIMITS
from dualion.structures.files.parse import parse_entry
from dualion.structures.preparation import prepare
from dualion.structures.records import RawEntry, StructureRecord, cell_kind_of, reader_flags


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedEntry:
    """A structure as its source gives it and as the physics takes it.

    Attributes:
        record: the parsed structure with its metadata.
        crystal: the crystal with charges and occupancies.
    """

    record: StructureRecord
    crystal: IonicCrystal


def prepare_entry(
    entry: RawEntry,
    *,
    strict: bool = False,
    oxidation_states: Mapping[str, float] | None = None,
    max_sites: int = DEFAULT_LIMITS.max_sites,
) -> PreparedEntry:
    """Parse an entry and prepare its structure.

    Args:
        entry: the text of one structure with what its source knows of it.
        strict: refuse what balances only by force, as the run does whose numbers are compared.
        oxidation_states: charges in e by element symbol that the user insists on.
        max_sites: most sites that the cell may have.

    Raises:
        UnreadableStructureError: the text is no usable crystal structure.
        UnpreparableStructureError: the physics cannot take the structure; ``reason`` says why.
        InputError: ``oxidation_states`` names no element or an impossible state.
    """
    record = parse_entry(entry, max_sites=max_sites)
    crystal = prepare_record(record, strict=strict, oxidation_states=oxidation_states)
    return PreparedEntry(record=record, crystal=crystal)


def prepare_record(
    record: StructureRecord,
    *,
    strict: bool = False,
    oxidation_states: Mapping[str, float] | None = None,
) -> IonicCrystal:
    """Prepare a parsed structure by what its metadata says of it.

    The metadata tells whether the cell was computed or measured, and what of the source's own
    statements contradicts the atoms; the latter become flags of the crystal.

    Args:
        record: the parsed structure.
        strict: refuse what balances only by force.
        oxidation_states: charges in e by element symbol that the user insists on.

    Raises:
        UnpreparableStructureError: the physics cannot take the structure; ``reason`` says why.
        InputError: ``oxidation_states`` names no element or an impossible state.
    """
    crystal = prepare(
        record.structure,
        cell_kind=cell_kind_of(record.metadata),
        oxidation_states=oxidation_states,
        strict=strict,
    )
    flags = (*crystal.flags, *reader_flags(record.metadata))
    return replace(crystal, flags=tuple(dict.fromkeys(flags)))
