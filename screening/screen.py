"""``screen``: from one structure to the DAI verdict of every cation–anion pair."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dualion.screening.barrier_types import (
    UNKNOWN,
    BarrierOptions,
    IonBarriers,
    KnownBarriers,
)
from dualion.screening.barriers import recalled_barriers
from dualion.screening.bonding import Shell, bound_fraction, bound_strength, shells
from dualion.screening.bvse.bond_valence_sum import bvs_quality
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.criterion import (
    DaiCriterion,
    Verdict,
    grid_flags,
    judge_pair,
    mechanism_flags,
)
from dualion.screening.disorder_ensemble import (
    Floats,
    disorder_flags,
    ensemble_barriers,
    has_a_chance,
    pair_ensemble,
)
from dualion.screening.flags import sublattices_interchange
from dualion.screening.guests.barriers import guest_options
from dualion.screening.guests.judge import GuestFailure, GuestPair, screen_guest
from dualion.screening.hops.mechanisms import mechanism_barriers
from dualion.screening.ions import MobileIon, anions_of, mean_charge
from dualion.screening.screen_options import ScreenOptions
from dualion.screening.screen_result import BOUND_FROM, PairFailure, PairResult, ScreenResult
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import atomic_number, symbol
from dualion.structures.errors import (
    MissingParametersError,
    StructureError,
    UnpreparableStructureError,
)
from dualion.structures.preparation import prepare


def screen(
    structure: Any,
    cation: str = "Li",
    *,
    anions: Sequence[str] = (),
    options: ScreenOptions | None = None,
) -> ScreenResult:
    """Judge every cation–anion pair of a structure.

    Args:
        structure: pymatgen ``Structure`` or ASE ``Atoms``, with or without oxidation states and
            partial occupancies.
        cation: symbol of the mobile cation.
        anions: symbols of the anions; none for every anion of the structure.
        options: all options; cations and anions are then read from there.

    Raises:
        StructureError: the structure cannot be prepared, or lacks the ions.
        InputError: an option makes no sense.
    """
    asked = options or ScreenOptions(cations=(cation,), anions=tuple(anions))
    return screen_crystal(prepare(structure, strict=asked.strict), asked)


def screen_crystal(
    crystal: IonicCrystal,
    options: ScreenOptions,
    *,
    known: Mapping[str, KnownBarriers] | None = None,
) -> ScreenResult:
    """Judge every cation–anion pair of a prepared crystal.

    The field of each ion is computed once, however many pairs it is in.

    Args:
        crystal: the crystal.
        options: what is asked of it.
        known: barriers of its ions that need not be computed, by the ions' labels (``Li+``); those
            of a deciding mechanism by label and mechanism (``I- vacancy``).

    Raises:
        StructureError: the crystal has none of the cations, or none of the anions and no guest is
            asked for.
    """
    cations = _cations_of(crystal, options.cations)
    anions = _anions_of(crystal, options.anions, required=not options.guests)
    known = known or {}
    computed = {
        ion: _attempt(crystal, ion, options.barriers, known.get(str(ion)))
        for ion in (*cations, *anions)
    }
    deciding = {ion: _deciding(crystal, ion, options, computed[ion], known) for ion in anions}
    sound = [anion for anion in anions if isinstance(computed[anion], IonBarriers)]
    bonds = {cation: shells(crystal, cation) for cation in cations}
    bound = {(c, anion): _bound(crystal, anion, bonds[c]) for c in cations for anion in sound}
    outcomes = [
        _judge_pair(
            crystal,
            (cation, computed[cation]),
            (anion, computed[anion]),
            deciding[anion],
            bound.get((cation, anion), (math.nan, math.nan)),
            options,
        )
        for cation in cations
        for anion in anions
    ]
    pairs = tuple(o for o in outcomes if isinstance(o, PairResult))
    of_cations = {cation: computed[cation] for cation in cations}
    guests = _screen_guests(crystal, of_cations, options)
    return ScreenResult(
        crystal=crystal,
        pairs=_with_ensembles(crystal, pairs, options),
        failures=tuple(o for o in outcomes if isinstance(o, PairFailure)),
        gii_vu=_gii_vu(crystal),
        guests=tuple(g for g in guests if isinstance(g, GuestPair)),
        guest_failures=tuple(g for g in guests if isinstance(g, GuestFailure)),
    )


def _with_ensembles(
    crystal: IonicCrystal, pairs: tuple[PairResult, ...], options: ScreenOptions
) -> tuple[PairResult, ...]:
    """The pairs of a disordered crystal, with ordered configurations where those are asked for."""
    chosen = [
        pair
        for pair in pairs
        if options.disorder == "ensemble" or has_a_chance(pair.cation_ev, pair.anion_ev)
    ]
    if options.disorder == "weighted" or not crystal.is_disordered or not chosen:
        return pairs
    ions = {pair.cation.ion: options.barriers for pair in chosen}
    ions |= {pair.anion.ion: options.deciding_anion or options.barriers for pair in chosen}
    found = ensemble_barriers(crystal, ions, judged=options.judged)
    if not found:
        return pairs
    return tuple(
        _with_ensemble(pair, found, options.criterion) if pair in chosen else pair for pair in pairs
    )


def _with_ensemble(
    pair: PairResult, found: Mapping[MobileIon, Floats], criterion: DaiCriterion
) -> PairResult:
    ensemble = pair_ensemble(found[pair.cation.ion], found[pair.anion.ion])
    if ensemble is None:
        return pair
    further = disorder_flags(ensemble, pair.verdict.dai, criterion)
    return replace(pair, ensemble=ensemble, flags=(*pair.flags, *further))


def _screen_guests(
    crystal: IonicCrystal,
    cations: Mapping[MobileIon, IonBarriers | StructureError],
    options: ScreenOptions,
) -> list[GuestPair | GuestFailure]:
    """Every guest beside every cation, whose judged barriers are those of ordinary pairs."""
    conventions = guest_options(options.barriers)
    return [
        screen_guest(crystal, guest, cation, options.criterion, conventions, judged=options.judged)
        for cation in cations.items()
        for guest in options.guest_anions
    ]


def _bound(crystal: IonicCrystal, anion: MobileIon, bonds: list[Shell]) -> tuple[float, float]:
    """Share of an anion's sites that are bound, and how firmly."""
    return bound_fraction(crystal, anion, bonds), bound_strength(crystal, anion, bonds)


def _gii_vu(crystal: IonicCrystal) -> float:
    try:
        return bvs_quality(crystal).gii_vu
    except MissingParametersError:
        return math.nan


def _cations_of(crystal: IonicCrystal, elements: Sequence[str]) -> list[MobileIon]:
    """Those of the elements that are cations of the crystal."""
    found = []
    for element in elements:
        number = atomic_number(element)
        if number in crystal.numbers and (charge := mean_charge(crystal, number)) > 0.0:
            found.append(MobileIon(number, charge))
    if not found:
        there = sorted({symbol(int(z)) for z in crystal.numbers[crystal.charges > 0]})
        raise UnpreparableStructureError(
            f"The structure has no cation {' or '.join(elements)}; its cations: "
            f"{', '.join(there) or 'none'}. Choose the mobile cation with --cation.",
            reason="no_cation",
        )
    return found


def _anions_of(
    crystal: IonicCrystal, elements: Sequence[str], *, required: bool
) -> list[MobileIon]:
    """The anions of the crystal, of these elements if any are named."""
    wanted = {atomic_number(element) for element in elements}
    there = anions_of(crystal)
    found = [ion for ion in there if not wanted or ion.number in wanted]
    if not found and required:
        raise UnpreparableStructureError(
            f"The structure has no anion {' or '.join(elements) or 'at all'}; its anions: "
            f"{', '.join(ion.element for ion in there) or 'none'}.",
            reason="no_anion",
        )
    return found


def _attempt(
    crystal: IonicCrystal, ion: MobileIon, options: BarrierOptions, known: KnownBarriers | None
) -> IonBarriers | StructureError:
    """Barriers of one ion, or why there are none: one ion's failure must not cost the others."""
    try:
        if known is not None:
            return recalled_barriers(crystal, ion, options, known)
        return mechanism_barriers(crystal, ion, options)
    except StructureError as error:
        return error


def _deciding(
    crystal: IonicCrystal,
    ion: MobileIon,
    options: ScreenOptions,
    published: IonBarriers | StructureError,
    known: Mapping[str, KnownBarriers],
) -> IonBarriers | StructureError:
    """Barriers of an anion by the mechanism that decides; of too large a cell by the recipe."""
    asked = options.deciding_anion
    if asked is None or isinstance(published, StructureError):
        return published
    found = _attempt(crystal, ion, asked, known.get(f"{ion} {asked.mechanism}"))
    if isinstance(found, StructureError) and found.reason == "cell_too_large":
        return published
    return found


Attempt = tuple[MobileIon, "IonBarriers | StructureError"]


def _judge_pair(
    crystal: IonicCrystal,
    cation: Attempt,
    anion: Attempt,
    of_anion: IonBarriers | StructureError,
    bound: tuple[float, float],
    options: ScreenOptions,
) -> PairResult | PairFailure:
    (cation_ion, of_cation), (anion_ion, published) = cation, anion
    for outcome in (of_cation, published, of_anion):
        if isinstance(outcome, StructureError):
            known = of_cation if isinstance(of_cation, IonBarriers) else None
            return PairFailure(
                cation=cation_ion,
                anion=anion_ion,
                reason=outcome.reason,
                message=str(outcome),
                cation_barriers=known,
                cation_ev=known.judged_ev(options.judged) if known else UNKNOWN,
                published_anion=published if isinstance(published, IonBarriers) else None,
            )
    assert isinstance(of_cation, IonBarriers) and isinstance(of_anion, IonBarriers)
    assert isinstance(published, IonBarriers)
    criterion = options.criterion
    cation_ev, anion_ev = (ion.judged_ev(options.judged) for ion in (of_cation, of_anion))
    verdict = judge_pair(cation_ev, anion_ev, criterion)
    by_recipe = judge_pair(of_cation.barriers_ev, published.barriers_ev, criterion)
    return PairResult(
        cation=of_cation,
        anion=of_anion,
        cation_ev=cation_ev,
        anion_ev=anion_ev,
        verdict=verdict,
        published_anion=published,
        published_verdict=by_recipe,
        bound_fraction=bound[0],
        bound_strength=bound[1],
        flags=_flags(crystal, of_cation, of_anion, verdict, bound[0])
        + mechanism_flags(verdict, by_recipe)
        + grid_flags(of_cation.refined_ev, of_anion.refined_ev, verdict, criterion),
    )


def _flags(
    crystal: IonicCrystal, cation: IonBarriers, anion: IonBarriers, verdict: Verdict, bound: float
) -> tuple[str, ...]:
    flags = [*crystal.flags, *verdict.flags]
    if bound > 0.0:
        flags.append("anion_bound" if bound >= BOUND_FROM else "anion_partly_bound")
    if sublattices_interchange(crystal, cation.ion, anion.ion):
        flags.append("ratio_forced_by_symmetry")
    quality = max(cation.quality, anion.quality)
    if quality > ParameterQuality.TABULATED:
        flags.append(f"{quality.label}_parameters")
    if crystal.is_disordered:
        flags.append("weighted_occupancies")
    if crystal.oxidation_method.startswith("composition"):
        flags.append("oxidation_states_guessed")
    of_anion = crystal.charges[crystal.numbers == anion.ion.number]
    if (of_anion > 0).any():
        flags.append("anion_element_also_cation")
    return tuple(dict.fromkeys(flags))
