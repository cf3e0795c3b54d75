"""The host of a doping from a screening: a structure of a run, and the salt of its guest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dualion.results.guest_rows import guest_salt, is_guest
from dualion.results.run_folder import read_run_folder
from dualion.structures.entry import prepare_entry
from dualion.workflows.campaign.structure_lookup import find_in_run, rows_named

if TYPE_CHECKING:
    from dualion.results.columns import Row
    from dualion.structures.crystal import IonicCrystal


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOfRun:
    """A host of a run.

    Attributes:
        crystal: the prepared structure.
        name: its id in its source.
        salt: formula of its best guest's salt; empty where the run judged no guest in it.
    """

    crystal: IonicCrystal
    name: str
    salt: str


def host_of_run(folder: Path, name: str) -> HostOfRun:
    """Find a host in the folder of a screening or campaign.

    Args:
        folder: of the run.
        name: id of the structure, a part of that, or its reduced formula.

    Raises:
        InputError: the run does not hold it, or its structures are out of reach.
        StructureError: the structure cannot be prepared.
    """
    run = read_run_folder(folder)
    rows = rows_named(run, name)
    crystal = prepare_entry(find_in_run(run, str(rows[0]["source_id"])), strict=run.strict).crystal
    guests = [row for row in rows if is_guest(row) and row.get("status") == "ok"]
    guests.sort(key=_place)
    salt = guest_salt(guests[0]) if guests else ""
    return HostOfRun(crystal=crystal, name=str(rows[0]["source_id"]), salt=salt)


def _place(row: Row) -> tuple[float, float]:
    """Guests by rank, then those that do not pass by the energy that they cost."""
    rank, cost = row.get("rank"), row.get("guest_insertion_ev")
    return (
        float(rank) if isinstance(rank, int) else math.inf,
        float(cost) if isinstance(cost, int | float) else math.inf,
    )
