"""Which of several entries of one structure to keep, and what to take over from the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dualion.structures.records import Metadata, RawEntry

AMBIENT_TEMPERATURE_K = 293.0
AMBIENT_PRESSURE_GPA = 0.01
"""Pressures up to this count as ambient."""

MEASURED_SOURCES = ("icsd", "optimade:cod")
"""Sources whose coordinates are measured unless an entry says otherwise."""

TAKEN_OVER = ("energy_above_hull_ev_atom", "formation_energy_ev_atom", "band_gap_ev", "is_metal")
"""Properties that an entry may take from a duplicate that has them."""

MOST_LISTED = 20
"""Duplicates that are named in the metadata; more are counted."""

Rank = tuple[float, ...]


def rank(source: str, metadata: Metadata) -> Rank:
    """Return the sort key of provenance; smaller is better.

    Measured coordinates come before computed ones of a phase that was observed, and these
    before hypothetical ones; within measured ones ambient pressure, a temperature near room
    temperature, then the R value decide.

    Args:
        source: name of the source.
        metadata: metadata of the entry.
    """
    pressure = _number(metadata, "pressure_gpa", 0.0)
    temperature = _number(metadata, "temperature_k", AMBIENT_TEMPERATURE_K + 20.0)
    return (
        float(_origin(source, metadata)),
        float(pressure > AMBIENT_PRESSURE_GPA),
        abs(temperature - AMBIENT_TEMPERATURE_K) // 50.0,
        _number(metadata, "r_value", 1.0),
        pressure,
        -_number(metadata, "year", 0.0),
        _number(metadata, "energy_above_hull_ev_atom", 1.0),
    )


def _origin(source: str, metadata: Metadata) -> int:
    """0 measured, 1 a user's file of unknown origin, 2 computed and observed, 3 hypothetical."""
    theoretical = metadata.get("theoretical")
    measured = "r_value" in metadata or "temperature_k" in metadata
    if theoretical is not True and (measured or source in MEASURED_SOURCES):
        return 0
    if source == "file" and theoretical is None:
        return 1
    return 2 if theoretical is False or metadata.get("experimental_ids") else 3


def _number(metadata: Metadata, name: str, otherwise: float) -> float:
    value = metadata.get(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number else otherwise  # type: ignore[arg-type]


def merged(kept: RawEntry, others: Sequence[RawEntry]) -> RawEntry:
    """List the duplicates of an entry in it and take over properties that it lacks.

    ``duplicates`` lists ``source:id`` of the others; ``properties_from`` names the one whose
    energies or band gap were taken.

    Args:
        kept: the entry that stays; it is not changed itself.
        others: its duplicates, the best provenance first.
    """
    metadata = dict(kept.metadata)
    names = [f"{other.source}:{other.source_id}" for other in others]
    more = [f"and {len(names) - MOST_LISTED} more"] if len(names) > MOST_LISTED else []
    metadata["duplicates"] = "; ".join(names[:MOST_LISTED] + more)
    donors = []
    for other, name in zip(others, names, strict=True):
        for key in TAKEN_OVER:
            value = other.metadata.get(key)
            if value is not None and metadata.get(key) is None:
                metadata[key] = value
                donors.append(name)
    if donors:
        metadata["properties_from"] = "; ".join(dict.fromkeys(donors))
    return replace(kept, metadata=metadata)
