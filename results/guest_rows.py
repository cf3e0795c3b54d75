"""Rows of guest anions: how they are told apart from those of a structure's own anions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dualion.results.columns import Row, Value

if TYPE_CHECKING:
    from dualion.screening.guests.barriers import GuestResult

GUEST_MECHANISM = "interstitial guest"
"""Value of ``mechanism_anion`` in the row of a guest."""
GUEST_ENDING = " guest"


def is_guest(row: Mapping[str, Value]) -> bool:
    """Tell whether the anion of a row is a guest.

    Args:
        row: a row of ``screened.csv`` or ``candidates.csv``.
    """
    return row.get("mechanism_anion") == GUEST_MECHANISM


def anion_name(row: Mapping[str, Value]) -> str:
    """Name the anion of a row so that a guest differs from an own anion: ``I- guest``.

    Args:
        row: a row of ``screened.csv`` or ``candidates.csv``.
    """
    anion = str(row.get("anion") or "")
    return guest_name(anion) if anion and is_guest(row) else anion


def guest_name(guest: str) -> str:
    """Name a guest, like ``I- guest``.

    Args:
        guest: the ion with its charge.
    """
    return guest + GUEST_ENDING


def guest_salt(row: Mapping[str, Value]) -> str:
    """Write the formula of the salt by which a guest comes into its host, like LiI.

    Args:
        row: the row of a guest.

    Raises:
        InputError: cation and guest make no salt of small whole numbers.
    """
    from dualion.screening.doping.formula_unit_changes import salt_formula
    from dualion.screening.ions import MobileIon

    return salt_formula(MobileIon.parse(str(row["cation"])), MobileIon.parse(str(row["anion"])))


def guest_columns(guest: GuestResult) -> Row:
    """Return the columns that guests alone have.

    Args:
        guest: barriers and place of the guest.
    """
    triples = {
        "no_cations": guest.removed.barriers_ev,
        "no_cations_rigid": guest.removed.rigid_ev,
    }
    return {
        "mechanism_anion": GUEST_MECHANISM,
        **{
            f"guest_e{n}d_{key}_ev": barrier
            for key, barriers in triples.items()
            for n, barrier in enumerate(barriers, start=1)
        },
        "guest_insertion_ev": guest.insertion_ev,
        "guest_insertion_rigid_ev": guest.insertion_rigid_ev,
        "guest_room_angstrom": guest.room.radius_angstrom,
        "guest_room_share": guest.room.share,
    }
