"""What is asked of every structure of a screening."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dualion.screening.barrier_types import JUDGED_BARRIERS, BarrierOptions, JudgedBarriers
from dualion.screening.conventions import DEFAULT_PRESET, PairConventions, pair_conventions
from dualion.screening.criterion import DaiCriterion
from dualion.screening.disorder_ensemble import DISORDER, Disorder
from dualion.screening.guests.guest_ions import guest_ions
from dualion.screening.ions import MobileIon
from dualion.structures.elements import atomic_number
from dualion.structures.errors import InputError

DEFAULT: PairConventions = pair_conventions(DEFAULT_PRESET)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenOptions:
    """What is asked of every structure.

    Attributes:
        cations: symbols of the mobile cations; those that a structure holds are judged.
        anions: symbols of the anions of interest; empty for every anion of the structure.
        criterion: thresholds of the verdict.
        barriers: how barriers are computed: the cation's, and the anion's by the published recipe.
        deciding_anion: how the anion's barriers that decide are computed; None for the same way.
        guests: anions that are put into the structure, like ``I`` or ``S2-``; each is judged
            beside each cation.
        judged: barriers of which the verdict is made; the published one is made of those on the
            grid.
        disorder: which disordered structures are also computed as ordered configurations.
        strict: refuse structures whose charges balance only by force.
    """

    cations: tuple[str, ...] = ("Li",)
    anions: tuple[str, ...] = ()
    criterion: DaiCriterion = field(default_factory=DaiCriterion)
    barriers: BarrierOptions = DEFAULT.published
    deciding_anion: BarrierOptions | None = DEFAULT.deciding_anion
    judged: JudgedBarriers = DEFAULT.judged
    disorder: Disorder = DEFAULT.disorder
    guests: tuple[str, ...] = ()
    strict: bool = False

    @classmethod
    def of_preset(cls, name: str, **others: Any) -> ScreenOptions:
        """Options with the conventions of a preset.

        Args:
            name: of the preset: ``dualion``, or ``bvlain`` for the published recipe.
            others: further options.

        Raises:
            InputError: there is no such preset.
        """
        conventions = pair_conventions(name)
        return cls(
            barriers=conventions.published,
            deciding_anion=conventions.deciding_anion,
            judged=conventions.judged,
            disorder=conventions.disorder,
            **others,
        )

    def __post_init__(self) -> None:
        if self.disorder not in DISORDER:
            raise InputError(
                f"Disorder is treated as {', '.join(DISORDER)}, not as {self.disorder!r}."
            )
        if self.judged not in JUDGED_BARRIERS:
            raise InputError(
                f"A verdict is made of {' or '.join(JUDGED_BARRIERS)} barriers, not of "
                f"{self.judged!r}."
            )
        if not self.cations:
            raise InputError("Name at least one mobile cation.")
        for element in (*self.cations, *self.anions):
            atomic_number(element)
        guest_ions(self.guests)

    @property
    def guest_anions(self) -> tuple[MobileIon, ...]:
        """The guests with their charges."""
        return guest_ions(self.guests)
