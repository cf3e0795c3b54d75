"""From results of the physics to rows of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dualion.results.columns import Row, Value
from dualion.results.guest_rows import GUEST_MECHANISM, guest_columns, is_guest
from dualion.results.vocabulary import join_flags
from dualion.screening.barrier_types import KnownBarriers
from dualion.structures.records import reader_flags

if TYPE_CHECKING:
    from dualion.screening.barrier_types import IonBarriers
    from dualion.screening.criterion import Verdict
    from dualion.screening.guests.judge import GuestFailure, GuestPair
    from dualion.screening.screen import PairFailure, PairResult, ScreenResult
    from dualion.structures.crystal import IonicCrystal
    from dualion.structures.records import Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a row says of the structure itself.

    Attributes:
        source: name of the source.
        source_id: name of the structure there.
        formula: formula of the cell.
        reduced_formula: reduced formula.
        space_group: Hermann–Mauguin symbol.
        n_sites: sites in the cell; None where unknown.
        metadata: what the source knows beside the structure.
    """

    source: str
    source_id: str
    metadata: Metadata
    formula: str = ""
    reduced_formula: str = ""
    space_group: str = ""
    n_sites: int | None = None

    def as_row(self) -> Row:
        """Return the columns of the structure."""
        return {
            "source": self.source,
            "source_id": self.source_id,
            "formula": self.formula,
            "reduced_formula": self.reduced_formula,
            "space_group": self.space_group,
            "n_sites": self.n_sites,
            "energy_above_hull_ev_atom": self.metadata.get("energy_above_hull_ev_atom"),
            "band_gap_ev": self.metadata.get("band_gap_ev"),
        }


def rejected_row(identity: Identity, *, cation: str, status: str, reason: str, message: str) -> Row:
    """Make the row of a structure without results.

    Args:
        identity: columns of the structure.
        cation: cations that were asked for.
        status: ``rejected`` or ``failed``.
        reason: name of the vocabulary.
        message: explanation with its cause and its remedy.
    """
    row: Row = {
        **identity.as_row(),
        "cation": cation,
        "status": status,
        "reason": reason,
        "message": message,
    }
    flags = join_flags(reader_flags(identity.metadata))
    return {**row, "flags": flags} if flags else row


def result_rows(identity: Identity, result: ScreenResult) -> list[Row]:
    """Make one row for each pair of a screened structure, failures included.

    Args:
        identity: columns of the structure.
        result: its pairs and failures.
    """
    shared = {**identity.as_row(), **_preparation(result.crystal), "gii_vu": result.gii_vu}
    rows = [{**shared, **_pair(pair)} for pair in result.pairs]
    rows += [{**shared, **_guest(guest, result.crystal.note)} for guest in result.guests]
    rows += [{**shared, **_failure(failure)} for failure in result.failures]
    rows += [{**shared, **_guest_failure(failure)} for failure in result.guest_failures]
    return rows


def _preparation(crystal: IonicCrystal) -> Row:
    return {
        "disordered": crystal.is_disordered,
        "oxidation_method": crystal.oxidation_method,
        "occupancy_handling": crystal.occupancy_handling,
        "message": crystal.note or None,
    }


def _pair(pair: PairResult) -> Row:
    return {
        **_judged(pair.cation, pair.anion, pair.verdict),
        "anion_bound": pair.anion_bound,
        "anion_bound_fraction": pair.bound_fraction,
        "flags": join_flags(pair.flags),
        "parameters": max(pair.cation.quality, pair.anion.quality).label,
    }


def _judged(cation: IonBarriers, anion: IonBarriers, verdict: Verdict) -> Row:
    return {
        "cation": str(cation.ion),
        "anion": str(anion.ion),
        "status": "ok",
        **_barriers("cation", cation),
        **_barriers("anion", anion),
        **{f"ratio_{n}d": ratio for n, ratio in enumerate(verdict.ratios, start=1)},
        "dai": verdict.dai,
        "dai_dimensions": verdict.dimensions,
        "dai_other_reading": verdict.dai_other_reading,
    }


def _guest(pair: GuestPair, note: str) -> Row:
    """A guest's barriers stand in the anion's columns; it is bound to nothing."""
    guest = pair.guest
    told = " ".join(part for part in (note, guest.removed_reason) if part)
    return {
        **_judged(pair.cation, guest.in_place, pair.verdict),
        "anion_bound": False,
        "anion_bound_fraction": 0.0,
        "flags": join_flags(pair.flags),
        "parameters": max(pair.cation.quality, guest.in_place.quality).label,
        "message": told or None,
        **guest_columns(guest),
    }


def _guest_failure(failure: GuestFailure) -> Row:
    return {
        "cation": str(failure.cation),
        "anion": str(failure.guest),
        "status": "rejected",
        "reason": failure.reason,
        "message": failure.message,
        "mechanism_anion": GUEST_MECHANISM,
    }


def _failure(failure: PairFailure) -> Row:
    known = failure.cation_barriers
    return {
        "cation": str(failure.cation),
        "anion": str(failure.anion),
        "status": "rejected",
        "reason": failure.reason,
        "message": failure.message,
        **(_barriers("cation", known) if known else {}),
    }


def _barriers(name: str, ion: IonBarriers) -> Mapping[str, Value]:
    row: Row = {}
    for n in range(3):
        row[f"e{n + 1}d_{name}_ev"] = ion.barriers_ev[n]
        row[f"e{n + 1}d_{name}_region_ev"] = ion.from_region_ev[n]
        row[f"e{n + 1}d_{name}_refined_ev"] = ion.refined_ev[n]
    return row


def known_barriers(row: Row) -> dict[str, KnownBarriers]:
    """Read the barriers of a row by the ions' labels; ions without all of them are left out.

    Guests are left out: their barriers are no own anion's.

    A row keeps numbers as they were computed, so nothing is lost on the way.
    """
    found = {}
    for name in ("cation",) if is_guest(row) else ("cation", "anion"):
        grid, region, refined = (_triple(row, name, kind) for kind in ("", "_region", "_refined"))
        if grid and region and refined:
            found[str(row[name])] = KnownBarriers(
                barriers_ev=grid, from_region_ev=region, refined_ev=refined
            )
    return found


def _triple(row: Row, name: str, kind: str) -> tuple[float, float, float] | None:
    one, two, three = (row.get(f"e{n}d_{name}{kind}_ev") for n in (1, 2, 3))
    if isinstance(one, float) and isinstance(two, float) and isinstance(three, float):
        return one, two, three
    return None
