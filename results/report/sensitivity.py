"""Assess the sensitivity of a verdict: judge the same pair by other conventions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dualion.results.calibrated import as_number
from dualion.results.columns import Row
from dualion.results.guest_rows import is_guest
from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.barriers import native_barriers
from dualion.screening.bvse.potential import preset
from dualion.screening.criterion import DaiCriterion, barrier_ratio, judge_pair
from dualion.screening.triple import Triple
from dualion.structures.errors import StructureError

if TYPE_CHECKING:
    from dualion.screening.percolation.pathways import IonMap

PRESET_NAMES = {
    "bvlain": "bvlain's conventions (D0/2, f = 0.74)",
    "full_depth": "Morse prefactor D0 instead of D0/2",
    "f070": "f = 0.70 instead of 0.74",
    "softbv_radii": "softBV radii in the Coulomb term",
}


def assess_sensitivity(
    row: Row, maps: Mapping[str, IonMap], *, barriers: BarrierOptions, criterion: DaiCriterion
) -> dict[str, Any]:
    """The verdict by dimensionality, reading of the ratio, refinement and conventions.

    Args:
        row: the pair's row.
        maps: of ``cation`` and ``anion``, in this order.
        barriers: conventions of the run.
        criterion: thresholds of the run.
    """
    own = _of_guest(row, criterion) if is_guest(row) else _by_preset(maps, barriers, criterion)
    rows = [*_by_choice(row, criterion), *own]
    return {"rows": rows, "passed": sum(bool(line["passes"]) for line in rows)}


def _by_choice(row: Row, criterion: DaiCriterion) -> list[dict[str, Any]]:
    d = criterion.dimensionality
    other = criterion.other_reading
    lines = [
        _line(f"{n}D barriers", *_barriers(row, "_ev"), replace(criterion, dimensionality=n))
        for n in (1, 2, 3)
    ]
    turned = replace(criterion, reading=other)
    reading = f"{d}D, ratio read as {other.replace('_', ' ')}"
    lines.append(_line(reading, *_barriers(row, "_ev"), turned))
    recipe = [
        [as_number(row.get(key.format(n=n))) for n in (1, 2, 3)]
        for key in ("e{n}d_cation_grid_ev", "published_e{n}d_anion_ev")
    ]
    if not any(math.isnan(value) for triple in recipe for value in triple):
        cation, anion = (tuple(triple) for triple in recipe)
        lines.append(_line(f"{d}D, published recipe", cation, anion, criterion))  # type: ignore[arg-type]
    for ending, name in (("_refined_ev", "refined"), ("_region_ev", "above the region's minimum")):
        found = _barriers(row, ending)
        if not any(math.isnan(value) for triple in found for value in triple):
            lines.append(_line(f"{d}D, {name}", *found, criterion))
    return lines


def _of_guest(row: Row, criterion: DaiCriterion) -> list[dict[str, Any]]:
    """Judge a guest with its host at rest and without the mobile cations, where these are known."""
    lines = []
    cation, _ = _barriers(row, "_ev")
    keys = {
        "e{n}d_anion_rigid_ev": "host at rest",
        "guest_e{n}d_no_cations_ev": "without mobile cations",
    }
    for key, name in keys.items():
        anion = Triple(*(as_number(row.get(key.format(n=n))) for n in (1, 2, 3)))
        if not any(map(math.isnan, anion)):
            label = f"{criterion.dimensionality}D, {name}"
            lines.append(_line(label, cation, anion, criterion))
    return lines


def _by_preset(
    maps: Mapping[str, IonMap], options: BarrierOptions, criterion: DaiCriterion
) -> list[dict[str, Any]]:
    """Judge the pair by the other named conventions."""
    lines = []
    own = options.potential
    for name, label in PRESET_NAMES.items():
        potential = replace(preset(name), parameter_quality=own.parameter_quality)
        if replace(potential, preset=own.preset) == own:
            continue
        changed = replace(options, potential=potential, refined=False)
        try:
            cation, anion = (
                native_barriers(found.crystal, found.ion, changed).barriers_ev
                for found in maps.values()
            )
        except StructureError:
            continue
        lines.append(_line(f"{criterion.dimensionality}D, {label}", cation, anion, criterion))
    return lines


def _line(
    name: str,
    cation: Triple,
    anion: Triple,
    criterion: DaiCriterion,
) -> dict[str, Any]:
    verdict = judge_pair(cation, anion, criterion)
    at = criterion.dimensionality - 1
    ratio = barrier_ratio(cation[at], anion[at], criterion.reading)
    return {
        "name": name,
        "cation_ev": _finite(cation[at]),
        "anion_ev": _finite(anion[at]),
        "ratio": _finite(ratio),
        "passes": verdict.dai,
    }


def _barriers(row: Row, ending: str) -> tuple[Triple, Triple]:
    """Read E_1D, E_2D, E_3D of cation and anion from the columns of this ending, eV."""

    def of(role: str) -> Triple:
        return Triple(*(as_number(row.get(f"e{n}d_{role}{ending}")) for n in (1, 2, 3)))

    return of("cation"), of("anion")


def _finite(value: float) -> float | None:
    """Return the number, or None where it is infinite or unknown."""
    return round(value, 6) if math.isfinite(value) else None
