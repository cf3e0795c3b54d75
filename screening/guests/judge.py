"""The verdict on a guest in a host: the criterion of ordinary pairs, and a place to be."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from dualion.screening.barrier_types import IonBarriers, JudgedBarriers
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.criterion import DaiCriterion, Verdict, judge_pair
from dualion.screening.doping.insertion import SMALLEST_SHARE
from dualion.screening.guests.barriers import GuestOptions, GuestResult, guest_barriers
from dualion.screening.ions import MobileIon
from dualion.screening.triple import Triple
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import StructureError

MAX_INSERTION_EV = 1.2
"""The costliest anion interstitial of a bundled alkali halide in its own salt (LiF), eV, host
giving way: a guest that costs more has no place."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GuestPair:
    """One guest in one host, beside one of its mobile cations.

    Attributes:
        cation: barriers of the cation, as in the host's ordinary pairs.
        cation_ev: E_1D, E_2D, E_3D of the cation of which the verdict is made, eV.
        guest: barriers and place of the guest.
        verdict: the criterion on the cation's barriers and the guest's in the complete host. A
            guest that does not fit does not pass.
        flags: names of what a cautious reader should know.
    """

    cation: IonBarriers
    cation_ev: Triple
    guest: GuestResult
    verdict: Verdict
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestFailure:
    """A guest that could not be judged.

    Attributes:
        cation: the mobile cation.
        guest: the guest.
        reason: stable snake_case name.
        message: what, why and what to do.
    """

    cation: MobileIon
    guest: MobileIon
    reason: str
    message: str


def screen_guest(
    host: IonicCrystal,
    guest: MobileIon,
    cation: tuple[MobileIon, IonBarriers | StructureError],
    criterion: DaiCriterion,
    options: GuestOptions | None = None,
    *,
    judged: JudgedBarriers = "refined",
) -> GuestPair | GuestFailure:
    """Compute and judge one guest in one host.

    Args:
        host: the crystal.
        guest: the guest anion.
        cation: a mobile cation of the host, with its barriers or why there are none.
        criterion: thresholds.
        options: conventions of the guest.
        judged: which barriers of the cation are judged; the guest's are refined ones.
    """
    ion, of_cation = cation
    try:
        if isinstance(of_cation, StructureError):
            raise of_cation
        result = guest_barriers(host, guest, ion, options)
    except StructureError as error:
        return GuestFailure(cation=ion, guest=guest, reason=error.reason, message=str(error))
    return judge_guest(host, of_cation, result, criterion, judged=judged)


def judge_guest(
    host: IonicCrystal,
    cation: IonBarriers,
    guest: GuestResult,
    criterion: DaiCriterion,
    *,
    judged: JudgedBarriers = "refined",
) -> GuestPair:
    """Judge a guest in a host by its barriers and its room.

    Args:
        host: the crystal.
        cation: barriers of its mobile cation.
        guest: barriers and place of the guest.
        criterion: thresholds.
        judged: which barriers of the cation are judged.
    """
    cation_ev, guest_ev = cation.judged_ev(judged), guest.in_place.barriers_ev
    fits = guest_fits(guest.room.share, guest.insertion_ev)
    verdict = guest_verdict(judge_pair(cation_ev, guest_ev, criterion), fits=fits)
    flags = [*host.flags, *verdict.flags, "guest_anion"]
    if not fits:
        flags.append("guest_does_not_fit")
    flags += cations_decide(cation_ev, guest_ev, guest.removed.barriers_ev, criterion)
    quality = max(cation.quality, guest.in_place.quality)
    if quality > ParameterQuality.TABULATED:
        flags.append(f"{quality.label}_parameters")
    if host.is_disordered:
        flags.append("weighted_occupancies")
    if host.oxidation_method.startswith("composition"):
        flags.append("oxidation_states_guessed")
    return GuestPair(
        cation=cation,
        cation_ev=cation_ev,
        guest=guest,
        verdict=verdict,
        flags=tuple(dict.fromkeys(flags)),
    )


def guest_fits(share: float, insertion_ev: float) -> bool:
    """Whether a guest has a place: room as the doping asks for it, at a bearable energy.

    Args:
        share: distance as a share of the sum of radii, as in ``Room``.
        insertion_ev: bond valence site energy of the guest, as in ``GuestResult``, eV.
    """
    return share >= SMALLEST_SHARE and insertion_ev <= MAX_INSERTION_EV


def guest_verdict(verdict: Verdict, *, fits: bool) -> Verdict:
    """The verdict, which a guest without a place does not pass.

    Args:
        verdict: by the barriers alone.
        fits: whether the guest has a place.
    """
    if fits:
        return verdict
    nowhere = (False, False, False)
    return dataclasses.replace(
        verdict,
        passes=nowhere,
        passes_other_reading=nowhere,
        dai=False,
        dai_other_reading=False,
        flags=(),
    )


def cations_decide(
    cation_ev: Triple, in_place_ev: Triple, removed_ev: Triple, criterion: DaiCriterion
) -> tuple[str, ...]:
    """Return ``guest_cations_decide`` where barriers without the cations give another verdict.

    Args:
        cation_ev: E_1D, E_2D, E_3D of the cation, eV.
        in_place_ev: the same of the guest in the complete host, eV.
        removed_ev: the same without the mobile cations, eV; NaN where there are none, which leaves
            the question open.
        criterion: thresholds.
    """
    if any(math.isnan(barrier) for barrier in removed_ev):
        return ()
    one, other = (judge_pair(cation_ev, ev, criterion).dai for ev in (in_place_ev, removed_ev))
    return ("guest_cations_decide",) if one != other else ()
