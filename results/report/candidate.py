"""Details of one candidate: its atoms, fields and paths."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dualion.results.columns import Row
from dualion.results.export import cif_text, is_licensed
from dualion.results.guest_rows import is_guest
from dualion.results.report.details import Detail
from dualion.results.report.scene import shown_crystal
from dualion.results.report.sensitivity import assess_sensitivity
from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.criterion import DaiCriterion
from dualion.screening.guests.barriers import guest_options
from dualion.screening.ions import MobileIon, mean_charge
from dualion.screening.percolation.pathways import map_ion
from dualion.structures.crystal import IonicCrystal
from dualion.structures.entry import prepare_entry
from dualion.structures.errors import StructureError

if TYPE_CHECKING:
    from dualion.screening.percolation.pathways import IonMap
    from dualion.structures.records import RawEntry

FIELD_BYTES = 1_200_000
"""For the fields of all candidates together, before compression."""
LARGEST_FIELD_POINTS = 24_000
SMALLEST_FIELD_POINTS = 2_000
SHOWN_ABOVE_BARRIER_EV = 0.8
"""How far above the barrier a field is kept; above, it is flat."""
LEVEL_ABOVE_BARRIER_EV = 0.05
"""Where the surface is drawn at first: a little above the pass, so that it can be seen."""
LEVEL_WITHOUT_BARRIER_EV = 1.0
PATH_POINTS = 160
DIFFERENT_EV = 0.011
"""A barrier this far from the table's belongs to another structure or other conventions."""
ROLES = ("cation", "anion")
HOST_AT_REST = (
    "The anion is a guest. Its field and paths are those of the complete host at rest; the table's "
    "barriers are those of the host giving way."
)
LEFT_OUT = (
    "The coordinates come from a licensed source and are left out of this page; write it with "
    "--include-structures where the licence allows it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailOptions:
    """What a candidate's page shows and how it is computed.

    Attributes:
        barriers: conventions of the run.
        criterion: thresholds of the verdict.
        strict: whether the run refused what balances only by force.
        include_licensed: show coordinates of licensed sources too.
        sensitivity: whether barriers are computed with the other presets.
        field_points: most grid points of one field.
    """

    barriers: BarrierOptions
    criterion: DaiCriterion
    strict: bool = False
    include_licensed: bool = False
    sensitivity: bool = True
    field_points: int = LARGEST_FIELD_POINTS


def field_points_for(candidates: int) -> int:
    """Return the grid points that one field may have, so that all fields fit into the page."""
    share = FIELD_BYTES // (2 * max(1, candidates))
    return max(SMALLEST_FIELD_POINTS, min(LARGEST_FIELD_POINTS, share))


def candidate_details(
    rows: Mapping[int, Row],
    entries: Mapping[tuple[str, str], RawEntry],
    options: DetailOptions,
    *,
    progress: Callable[[], None] = lambda: None,
) -> dict[int, Detail]:
    """Details of candidates; what cannot be shown is said in their notes.

    Args:
        rows: rows by their place in the table.
        entries: texts of the structures by source and name.
        options: what to compute.
        progress: called after each.
    """
    details = {}
    for place, row in rows.items():
        entry = entries.get((str(row["source"]), str(row["source_id"])))
        details[place] = _detail(row, entry, options)
        progress()
    return details


def _detail(row: Row, entry: RawEntry | None, options: DetailOptions) -> Detail:
    if entry is None:
        text = "The structure was not found in the run's inputs, so that it cannot be shown."
        return Detail(content={"notes": [text]})
    try:
        return candidate_detail(row, entry, options)
    except StructureError as error:
        return Detail(content={"notes": [f"The structure cannot be shown: {error}"]})


def candidate_detail(row: Row, entry: RawEntry, options: DetailOptions) -> Detail:
    """Compute atoms, fields, paths and sensitivity of one candidate.

    Args:
        row: the row of the pair.
        entry: text of the structure.
        options: conventions and limits.

    Raises:
        StructureError: the structure cannot be read or prepared.
    """
    crystal = prepare_entry(entry, strict=options.strict).crystal
    maps = {role: _map_of(role, row, crystal, options.barriers) for role in ROLES}
    content: dict[str, Any] = {"notes": _notes(row, maps)}
    if options.sensitivity:
        content["sensitivity"] = assess_sensitivity(
            row, maps, barriers=options.barriers, criterion=options.criterion
        )
    sections: dict[str, bytes] = {}
    hidden = is_licensed(str(row["source"])) and not options.include_licensed
    if hidden:
        content["notes"].append(LEFT_OUT)
        content["ions"] = [_ion(role, found, hidden=True) for role, found in maps.items()]
        return Detail(content=content)
    content["crystal"] = shown_crystal(maps[ROLES[0]].crystal)  # the cell of the fields
    with suppress(ValueError, StructureError):  # a disordered one that came as no CIF
        content["cif"] = cif_text(entry)
    content["ions"] = []
    for role, found in maps.items():
        note, values = packed_field(found, options)
        sections[f"field-{role}"] = values
        content["ions"].append(_ion(role, found) | {"field": note | {"section": f"field-{role}"}})
    return Detail(content=content, sections=sections)


def _map_of(role: str, row: Row, crystal: IonicCrystal, barriers: BarrierOptions) -> IonMap:
    """Map the ion of a role; a guest by its own conventions, in the complete host."""
    label = str(row[role])
    if role == "anion" and is_guest(row):
        own = replace(guest_options(barriers).barriers, refined=False)
        return map_ion(crystal, MobileIon.parse(label), own)
    return map_ion(crystal, _ion_of(crystal, label), replace(barriers, refined=False))


def _ion_of(crystal: IonicCrystal, label: str) -> MobileIon:
    """Find the ion of a label such as ``O2-``; a label rounds the charge, the crystal has it."""
    number = MobileIon.parse(label).number
    return MobileIon(number, mean_charge(crystal, number))


HOPS_DECIDE = (
    "The verdict is made of the anion's hops into a vacancy, which have no map. Paths and surfaces "
    "of the anion here are those of the published recipe, through the empty lattice; their "
    "barriers stand in the columns published_*."
)
"""Note on a page whose anion decides by another mechanism than its map shows."""

MAPPED = {"cation": "e{n}d_cation_grid_ev", "anion": "published_e{n}d_anion_ev"}
"""Columns with the barriers of the maps, which are those of the empty lattice on the grid."""


def _notes(row: Row, maps: Mapping[str, IonMap]) -> list[str]:
    """Note where the barriers differ from those of the table."""
    guest = is_guest(row)
    for role, found in maps.items():
        if role == "anion" and guest:
            continue
        for n, barrier in enumerate(found.barriers_ev, start=1):
            known = row.get(MAPPED[role].format(n=n))
            if isinstance(known, int | float) and not _same(float(known), barrier):
                return [
                    f"Computed anew, the {n}D barrier of the {role} is {barrier:.3f} eV, not the "
                    f"{known:.3f} eV of the table: the input has changed since the run, or the run "
                    "used another engine."
                ]
    if guest:
        return [HOST_AT_REST]
    return [HOPS_DECIDE] if row.get("mechanism_anion") == "vacancy" else []


def _same(a: float, b: float) -> bool:
    return (math.isinf(a) and math.isinf(b)) or abs(a - b) < DIFFERENT_EV


def _ion(role: str, found: IonMap, *, hidden: bool = False) -> dict[str, Any]:
    paths = []
    for path, neck in zip(found.paths, found.bottlenecks, strict=True):
        chosen = _thinned(len(path.frac), {path.bottleneck, *path.minima})
        places = {old: new for new, old in enumerate(chosen.tolist())}
        known: dict[str, Any] = {
            "dimension": path.dimension,
            "distance_angstrom": np.round(path.distance_angstrom[chosen], 3).tolist(),
            "energies_ev": np.round(path.energies_ev[chosen], 4).tolist(),
            "bottleneck": places[path.bottleneck],
            "minima": [places[i] for i in path.minima],
            "neighbours": [
                [_atom_name(n.element, n.charge), round(n.distance_angstrom, 3)]
                for n in neck.neighbours
            ],
        }
        if not hidden:
            known["frac"] = np.round(path.frac[chosen], 4).tolist()
        paths.append(known)
    return {"role": role, "name": str(found.ion), "element": found.ion.element, "paths": paths}


def _atom_name(element: str, charge: float) -> str:
    sign = "+" if charge > 0 else "−"
    return f"{element} ({abs(charge):g}{sign})" if charge else element


def _thinned(count: int, kept: Iterable[int]) -> NDArray[np.int64]:
    """Choose evenly spaced points of a path and keep those that must stay."""
    even = np.linspace(0, count - 1, min(count, PATH_POINTS)).round().astype(np.int64)
    return np.unique(np.concatenate([even, np.fromiter(kept, dtype=np.int64)]))


def packed_field(found: IonMap, options: DetailOptions) -> tuple[dict[str, Any], bytes]:
    """Pack the field above its minimum on a coarser grid, one byte a point.

    Args:
        found: field of the ion, energies of shape (nx, ny, nz) in eV.
        options: limits and the dimensionality that sets the level.
    """
    barrier = found.barriers_ev[options.criterion.dimensionality - 1]
    if math.isinf(barrier):
        barrier = min(found.barriers_ev)
    level = LEVEL_WITHOUT_BARRIER_EV if math.isinf(barrier) else barrier + LEVEL_ABOVE_BARRIER_EV
    highest = level + SHOWN_ABOVE_BARRIER_EV
    above = np.minimum(found.energies_ev - found.energies_ev.min(), highest)
    coarse = _coarser(above, options.field_points)
    values = np.clip(np.rint(coarse * 255.0 / highest), 0, 255).astype(np.uint8)
    note = {"shape": list(values.shape), "highest_ev": highest, "level_ev": level}
    return note, values.tobytes()


def _coarser(values: NDArray[np.float64], most_points: int) -> NDArray[np.float64]:
    """Interpolate a periodic grid linearly on one with fewer points."""
    factor = (values.size / most_points) ** (1.0 / 3.0)
    for axis, count in enumerate(values.shape):
        fewer = min(count, max(4, int(count / max(1.0, factor))))
        at = np.arange(fewer) * count / fewer
        low = np.floor(at).astype(np.int64)
        shape = [1] * values.ndim
        shape[axis] = fewer
        share = (at - low).reshape(shape)
        here = np.take(values, low % count, axis=axis)
        there = np.take(values, (low + 1) % count, axis=axis)
        values = here * (1.0 - share) + there * share
    return values
