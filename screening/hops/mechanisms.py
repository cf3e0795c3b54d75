"""Barriers of an ion by the mechanism that moves it."""

from __future__ import annotations

from dualion.screening.barrier_types import BarrierOptions, IonBarriers
from dualion.screening.barriers import ion_barriers
from dualion.screening.hops.vacancy import vacancy_hops
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.supercells import repeated_unit


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
    unit, _ = repeated_unit(crystal)  # hops of one primitive cell are those of all
    found = vacancy_hops(unit, ion, options.potential)
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
