"""``screen``: from one structure to the DAI verdict of every cation–anion pair."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from screening.barriers import BarrierOptions, IonBarriers, ion_barriers
from screening.flags import bound_fraction, sublattices_interchange
from screening.ions import MobileIon, anions_of, mean_charge
from screening.pair_parameters import ParameterQuality
from screening.verdict import DaiCriterion, Verdict, judge
from structures.crystal import IonicCrystal
from structures.elements import atomic_number, symbol
from structures.errors import StructureError, UnpreparableStructureError

if TYPE_CHECKING:
    from collections.abc import Sequence

BOUND_FROM = 0.5
"""An anion counts as bound if at least this share of its sites is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenOptions:
    """What is asked of every structure.

    Attributes:
        cation: symbol of the mobile cation.
        anions: symbols of the anions of interest; empty for every anion of the structure.
        criterion: thresholds of the verdict.
        barriers: how barriers are computed.
    """

    cation: str = "Li"
    anions: tuple[str, ...] = ()
    criterion: DaiCriterion = field(default_factory=DaiCriterion)
    barriers: BarrierOptions = field(default_factory=BarrierOptions)

    def __post_init__(self) -> None:
        for element in (self.cation, *self.anions):
            atomic_number(element)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairResult:
    """One cation–anion pair of one structure.

    Attributes:
        cation: barriers of the cation.
        anion: barriers of the anion.
        verdict: the DAI verdict.
        bound_fraction: share of the anion's sites that are ligands of a polyanion.
        flags: names of what a cautious reader should know.
    """

    cation: IonBarriers
    anion: IonBarriers
    verdict: Verdict
    bound_fraction: float
    flags: tuple[str, ...]

    @property
    def anion_bound(self) -> bool:
        """Whether most of the anion's sites are ligands of a polyanion."""
        return self.bound_fraction >= BOUND_FROM


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFailure:
    """A pair that could not be judged.

    Attributes:
        cation: the mobile cation.
        anion: the anion, or None where the structure has none of those asked for.
        reason: stable snake_case name.
        message: what, why and what to do.
        cation_barriers: barriers of the cation where those are known.
    """

    cation: MobileIon
    anion: MobileIon | None
    reason: str
    message: str
    cation_barriers: IonBarriers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenResult:
    """All pairs of one structure, in ascending atomic number of the anion.

    Attributes:
        crystal: the prepared crystal.
        pairs: the pairs that were judged.
        failures: the pairs that were not, with reasons.
    """

    crystal: IonicCrystal
    pairs: tuple[PairResult, ...]
    failures: tuple[PairFailure, ...] = ()

    @property
    def dai(self) -> bool:
        """Whether any pair passes."""
        return any(pair.verdict.dai for pair in self.pairs)


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
        options: all options; ``cation`` and ``anions`` are then read from there.

    Raises:
        StructureError: the structure cannot be prepared, or lacks the cation.
        InputError: an option makes no sense.
    """
    from structures.preparation import prepare

    asked = options or ScreenOptions(cation=cation, anions=tuple(anions))
    return screen_crystal(prepare(structure), asked)


def screen_crystal(crystal: IonicCrystal, options: ScreenOptions) -> ScreenResult:
    """Judge every cation–anion pair of a prepared crystal.

    Raises:
        StructureError: the crystal lacks the cation, or the cation's field cannot be computed.
    """
    cation = _cation_of(crystal, options.cation)
    wanted = {atomic_number(element) for element in options.anions}
    anions = [ion for ion in anions_of(crystal) if not wanted or ion.number in wanted]
    if not anions:
        there = ", ".join(ion.element for ion in anions_of(crystal)) or "none"
        raise UnpreparableStructureError(
            f"The structure has none of the anions {', '.join(options.anions) or 'at all'}; its "
            f"anions: {there}.",
            reason="no_anion",
        )
    cation_barriers = ion_barriers(crystal, cation, options.barriers)
    outcomes = [_judge_anion(crystal, cation_barriers, anion, options) for anion in anions]
    return ScreenResult(
        crystal=crystal,
        pairs=tuple(o for o in outcomes if isinstance(o, PairResult)),
        failures=tuple(o for o in outcomes if isinstance(o, PairFailure)),
    )


def _cation_of(crystal: IonicCrystal, element: str) -> MobileIon:
    number = atomic_number(element)
    if number not in crystal.numbers:
        there = sorted({symbol(int(z)) for z in crystal.numbers[crystal.charges > 0]})
        raise UnpreparableStructureError(
            f"The structure holds no {element}; its cations: {', '.join(there) or 'none'}. "
            "Choose the mobile cation with --cation.",
            reason="no_cation",
        )
    charge = mean_charge(crystal, number)
    if charge <= 0.0:
        raise UnpreparableStructureError(
            f"{element} has the charge {charge:g} in this structure and is no cation there.",
            reason="no_cation",
        )
    return MobileIon(number, charge)


def _judge_anion(
    crystal: IonicCrystal, cation: IonBarriers, anion: MobileIon, options: ScreenOptions
) -> PairResult | PairFailure:
    try:
        barriers = ion_barriers(crystal, anion, options.barriers)
    except StructureError as error:
        return PairFailure(
            cation=cation.ion,
            anion=anion,
            reason=error.reason,
            message=str(error),
            cation_barriers=cation,
        )
    verdict = judge(cation.barriers_ev, barriers.barriers_ev, options.criterion)
    bound = bound_fraction(crystal, anion)
    return PairResult(
        cation=cation,
        anion=barriers,
        verdict=verdict,
        bound_fraction=bound,
        flags=_flags(crystal, cation, barriers, verdict, bound),
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
