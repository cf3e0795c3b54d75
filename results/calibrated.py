"""Columns of calibrated barriers, beside the raw ones and never instead of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from dualion.results.columns import Row
from dualion.screening.calibration import barrier_calibration

if TYPE_CHECKING:
    from dualion.screening.barrier_types import Mechanism

ROLES = ("cation", "anion")


def calibrated_columns(row: Row, *, dimensionality: int) -> Row:
    """Compute the calibrated barriers of a row, with their intervals.

    Args:
        row: a row with the barriers of a pair, refined ones where there are any.
        dimensionality: 1, 2 or 3: the barriers that count.

    Returns:
        The columns ``e_calibrated_*``, None where no calibration applies: of the mechanism there is
        none, or the barrier is outside the range of the fit.
    """
    columns: Row = {}
    for role in ROLES:
        mechanism = fitted_mechanism(row, role)
        raw = raw_barrier(row, role, dimensionality)
        ion = str(row.get(role) or "")
        calibration = barrier_calibration(mechanism, ion, role) if mechanism else None
        found = calibration.barrier(raw) if calibration else None
        columns[f"e_calibrated_{role}_ev"] = found.value_ev if found else None
        columns[f"e_calibrated_{role}_low_ev"] = found.low_ev if found else None
        columns[f"e_calibrated_{role}_high_ev"] = found.high_ev if found else None
    return columns


def with_calibrated(rows: Iterable[Row], *, dimensionality: int) -> list[Row]:
    """Add the calibrated barriers to rows with results; others stay as they are.

    Args:
        rows: rows of pairs.
        dimensionality: 1, 2 or 3: the barriers that count.
    """
    return [
        {**row, **calibrated_columns(row, dimensionality=dimensionality)}
        if row["status"] == "ok"
        else row
        for row in rows
    ]


def mechanism_of(row: Row, role: str) -> Mechanism:
    """Return the mechanism whose barriers decide; tables of older runs name none.

    Args:
        row: a row of a pair.
        role: ``cation`` or ``anion``.
    """
    return cast("Mechanism", str(row.get(f"mechanism_{role}") or "empty_lattice"))


def fitted_mechanism(row: Row, role: str) -> Mechanism | None:
    """Return the mechanism by which a barrier is calibrated; None for hops in a rigid lattice.

    Args:
        row: a row of a pair.
        role: ``cation`` or ``anion``.
    """
    mechanism = mechanism_of(row, role)
    if mechanism != "vacancy":
        return mechanism
    keys = [(f"e{n}d_{role}_refined_ev", f"e{n}d_{role}_rigid_ev") for n in (1, 2, 3)]
    known = [(row.get(own), row[rigid]) for own, rigid in keys if row.get(rigid) is not None]
    return None if known and all(own == rigid for own, rigid in known) else mechanism


def raw_barrier(row: Row, role: str, dimensionality: int) -> float:
    """Return the refined barrier, the judged one where none was refined, in eV; NaN for neither.

    Args:
        row: a row of a pair.
        role: ``cation`` or ``anion``.
        dimensionality: 1, 2 or 3.
    """
    for ending in ("_refined_ev", "_ev"):
        value = as_number(row.get(f"e{dimensionality}d_{role}{ending}"))
        if not math.isnan(value):
            return value
    return math.nan


def neb_barrier(row: Row, role: str, dimensionality: int) -> float:
    """Return the barrier by elastic bands with a potential, in eV; NaN where it is not known.

    Args:
        row: a row of a pair.
        role: ``cation`` or ``anion``.
        dimensionality: 1, 2 or 3.
    """
    return as_number(row.get(f"e{dimensionality}d_{role}_neb_ev"))


def as_number(value: object) -> float:
    """Return a value of a row as a number, NaN for an empty field.

    Args:
        value: the value.
    """
    return float(value) if isinstance(value, int | float) else math.nan
