"""From results of the physics to rows of the tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dualion.results.columns import Row
from dualion.results.ensemble_columns import ensemble_columns
from dualion.results.guest_rows import GUEST_MECHANISM, guest_columns, is_guest
from dualion.results.vocabulary import join_flags
from dualion.screening.barrier_types import UNKNOWN, KnownBarriers
from dualion.screening.ions import ions_of
from dualion.screening.triple import Triple
from dualion.structures.records import SOURCE_FILE, reader_flags

if TYPE_CHECKING:
    from dualion.screening.barrier_types import IonBarriers
    from dualion.screening.criterion import Verdict
    from dualion.screening.guests.judge import GuestFailure, GuestPair
    from dualion.screening.screen_result import PairFailure, PairResult, ScreenResult
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
            "source_file": self.metadata.get(SOURCE_FILE),
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
        "oxidation_states": ";".join(
            str(ion) if ion.charge else f"{ion.element}0" for ion in ions_of(crystal)
        ),
        "occupancy_handling": crystal.occupancy_handling,
        "message": crystal.note or None,
    }


def _pair(pair: PairResult) -> Row:
    return {
        **_judged((pair.cation, pair.cation_ev), (pair.anion, pair.anion_ev), pair.verdict),
        **_published(pair.published_anion, pair.published_verdict),
        "anion_bound": pair.anion_bound,
        "anion_bound_fraction": pair.bound_fraction,
        "bound_strength": pair.bound_strength,
        **(ensemble_columns(pair.ensemble) if pair.ensemble else {}),
        "flags": join_flags(pair.flags),
        "parameters": max(pair.cation.quality, pair.anion.quality).label,
    }


def _judged(
    cation: tuple[IonBarriers, Triple], anion: tuple[IonBarriers, Triple], verdict: Verdict
) -> Row:
    """Both ions, each with the barriers that were judged, and the verdict."""
    return {
        "cation": str(cation[0].ion),
        "anion": str(anion[0].ion),
        "status": "ok",
        **_barriers("cation", *cation),
        **_barriers("anion", *anion),
        **_by_n("e{n}d_anion_rigid_ev", anion[0].rigid_ev),
        **_by_n("ratio_{n}d", verdict.ratios),
        "dai": verdict.dai,
        "dai_dimensions": verdict.dimensions,
        "dai_other_reading": verdict.dai_other_reading,
    }


def _guest(pair: GuestPair, note: str) -> Row:
    """A guest's barriers stand in the anion's columns; it is bound to nothing."""
    guest = pair.guest
    told = " ".join(part for part in (note, guest.removed_reason) if part)
    ions = (pair.cation, pair.cation_ev), (guest.in_place, guest.in_place.barriers_ev)
    return {
        **_judged(*ions, pair.verdict),
        "anion_bound": False,
        "anion_bound_fraction": 0.0,
        "bound_strength": 0.0,
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
        **(_barriers("cation", known, failure.cation_ev) if known else {}),
        **(_published(failure.published_anion, None) if failure.published_anion else {}),
    }


def _barriers(name: str, ion: IonBarriers, judged_ev: Triple) -> Row:
    return {
        f"mechanism_{name}": ion.mechanism,
        **_by_n(f"e{{n}}d_{name}_ev", judged_ev),
        **_by_n(f"e{{n}}d_{name}_grid_ev", ion.barriers_ev),
        **_by_n(f"e{{n}}d_{name}_region_ev", ion.from_region_ev),
        **_by_n(f"e{{n}}d_{name}_refined_ev", ion.refined_ev),
    }


def _published(anion: IonBarriers, verdict: Verdict | None) -> Row:
    row = _by_n("published_e{n}d_anion_ev", anion.barriers_ev)
    return {**row, **published_columns(verdict)} if verdict else row


def published_columns(verdict: Verdict) -> Row:
    """Return the columns of the verdict by the published recipe.

    Args:
        verdict: the verdict by that recipe.
    """
    return {**_by_n("published_ratio_{n}d", verdict.ratios), "published_dai": verdict.dai}


def _by_n(key: str, values: tuple[float, float, float]) -> Row:
    """Columns of 1D, 2D and 3D; ``{n}`` in the key stands for the number."""
    return {key.format(n=n): value for n, value in enumerate(values, start=1)}


def known_barriers(row: Row) -> dict[str, KnownBarriers]:
    """Read the barriers of a row by the ions' labels; ions without all of them are left out.

    A row keeps numbers as they were computed, so nothing is lost on the way. Labels are those that
    ``screen_crystal`` asks for: an anion's deciding barriers carry their mechanism. Guests are left
    out: their barriers are no own anion's.

    Args:
        row: a row with the barriers of a pair.
    """
    found = {}
    for name in ("cation",) if is_guest(row) else ("cation", "anion"):
        grid, region, refined = (
            _triple(row, f"e{{n}}d_{name}_{kind}_ev") for kind in ("grid", "region", "refined")
        )
        rigid = _triple(row, f"e{{n}}d_{name}_rigid_ev")
        if grid and region and refined:
            found[_label(row, name)] = KnownBarriers(
                barriers_ev=grid,
                from_region_ev=region,
                refined_ev=refined,
                rigid_ev=rigid or refined,
            )
    published = _triple(row, "published_e{n}d_anion_ev")
    if published and str(row["anion"]) not in found:
        found[str(row["anion"])] = KnownBarriers(
            barriers_ev=published, from_region_ev=UNKNOWN, refined_ev=UNKNOWN
        )
    return found


def _label(row: Row, name: str) -> str:
    mechanism = row.get(f"mechanism_{name}") or "empty_lattice"
    return str(row[name]) if mechanism == "empty_lattice" else f"{row[name]} {mechanism}"


def _triple(row: Row, key: str) -> Triple | None:
    one, two, three = (row.get(key.format(n=n)) for n in (1, 2, 3))
    if isinstance(one, float) and isinstance(two, float) and isinstance(three, float):
        return Triple(one, two, three)
    return None
