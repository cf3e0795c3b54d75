"""Barriers by mechanism, and the named sets of conventions for both ions of a pair."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from dualion.screening.barrier_types import BarrierOptions, IonBarriers
from dualion.screening.barriers import ion_barriers
from dualion.screening.bvse.potential import PRESETS
from dualion.screening.hops.vacancy import vacancy_hops
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError


def mechanism_barriers(
    crystal: IonicCrystal, ion: MobileIon, options: BarrierOptions
) -> IonBarriers:
    """Barriers of an ion by the mechanism that the options name.

    Args:
        crystal: the crystal, with every site of the mobile element.
        ion: the mobile ion.
        options: conventions.

    Raises:
        StructureError: the crystal cannot be treated; the message says why.
    """
    if options.mechanism != "vacancy":
        return ion_barriers(crystal, ion, options)
    found = vacancy_hops(crystal, ion, options.potential)
    deciding = found.relaxing if options.lattice == "relaxing" else found.rigid
    return IonBarriers(
        ion=ion,
        barriers_ev=deciding.barriers_ev,
        from_region_ev=deciding.from_region_ev,
        refined_ev=deciding.barriers_ev,
        quality=found.quality,
        shape=(),
        mechanism="vacancy",
        rigid_ev=found.rigid.barriers_ev,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PairConventions:
    """How the barriers of a pair are computed.

    Attributes:
        cation: conventions of the cation.
        anion: conventions of the anion.
    """

    cation: BarrierOptions
    anion: BarrierOptions


PAIR_CONVENTIONS: dict[str, PairConventions] = {
    "bvlain": PairConventions(cation=BarrierOptions(), anion=BarrierOptions()),
    "dualion": PairConventions(
        cation=BarrierOptions(),
        anion=BarrierOptions(potential=PRESETS["dualion"], mechanism="vacancy"),
    ),
}
"""``bvlain``: the published recipe, whole sublattices taken out. ``dualion``: the same for the
cation; an anion hops into a vacancy, among anions that repel each other."""


def pair_conventions(name: str) -> PairConventions:
    """The conventions of that name for both ions of a pair.

    Raises:
        InputError: there is no such name.
    """
    if name in PAIR_CONVENTIONS:
        return PAIR_CONVENTIONS[name]
    close = difflib.get_close_matches(name, PAIR_CONVENTIONS, n=1, cutoff=0.0)[0]
    raise InputError(
        f"There is no preset {name!r}; did you mean {close!r}? "
        f"Known: {', '.join(PAIR_CONVENTIONS)}."
    )
