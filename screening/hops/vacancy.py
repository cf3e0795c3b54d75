"""Barriers of the vacancy mechanism: an ion hops into an empty site, all others stay.

The carrier is the vacancy: when the ion hops from a site to its neighbour, the vacancy goes the
other way. Its energy at a site is minus that of the ion there, so vacancies rest where the
ion is bound least.
"""

from __future__ import annotations

from dataclasses import dataclass

from dualion.screening.bvse.field import framework_of
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.bvse.potential import PotentialOptions
from dualion.screening.hops.hop_energies import HopEnergies, energies_of_hops
from dualion.screening.hops.hop_list import HopList, hops_of
from dualion.screening.hops.network import HopThresholds, thresholds
from dualion.screening.hops.sublattice import Sublattice, sublattice_of
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import UnpreparableStructureError

MOST_HOPS = 20_000
"""Largest number of distinct hops that is computed: about half a minute."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VacancyHops:
    """Hops of one ion by the vacancy mechanism, and the thresholds of their network.

    Attributes:
        ion: the mobile ion.
        sublattice: its sites.
        hops: the hops between them.
        energies: energies of the distinct hops and of the vacancies.
        rigid: thresholds with every other ion at rest.
        relaxing: thresholds with the lattice giving way.
        quality: the least trustworthy pair parameters in use.
    """

    ion: MobileIon
    sublattice: Sublattice
    hops: HopList
    energies: HopEnergies
    rigid: HopThresholds
    relaxing: HopThresholds
    quality: ParameterQuality


def vacancy_hops(
    crystal: IonicCrystal, ion: MobileIon, options: PotentialOptions | None = None
) -> VacancyHops:
    """Hops of an ion over its own sites, and at which energy they cross the crystal.

    Args:
        crystal: the crystal, with every site of the mobile element, disordered or not.
        ion: the mobile ion.
        options: conventions of the pair energies.

    Raises:
        StructureError: the crystal cannot be treated; the message says why.
    """
    options = options or PotentialOptions()
    sublattice = sublattice_of(crystal, ion)
    hops = hops_of(sublattice)
    if len(hops.chosen) > MOST_HOPS:
        raise UnpreparableStructureError(
            f"{ion} has {len(hops.chosen):,} distinct hops, more than {MOST_HOPS:,}; give a "
            "smaller cell, or one with its symmetry.",
            reason="cell_too_large",
        )
    framework = framework_of(crystal, ion, options, own_element_stays=True)
    energies = energies_of_hops(crystal, ion, sublattice, hops, options, framework=framework)
    rigid, relaxing = (_thresholds(hops, energies, relaxing=choice) for choice in (False, True))
    return VacancyHops(
        ion=ion,
        sublattice=sublattice,
        hops=hops,
        energies=energies,
        rigid=rigid,
        relaxing=relaxing,
        quality=framework.quality,
    )


def _thresholds(hops: HopList, energies: HopEnergies, *, relaxing: bool) -> HopThresholds:
    """Thresholds of the vacancies' network.

    While the ion climbs from the near site, the vacancy climbs from the far one. The two ways to
    reckon a saddle differ a little where ends see each other, so their mean counts.
    """
    nodes = energies.sites_ev(relaxing=relaxing)
    near, far = nodes[hops.near[hops.chosen]], nodes[hops.far[hops.chosen]]
    from_near, from_far = energies.rises_ev(relaxing=relaxing).T
    saddles = 0.5 * (far + from_near + near + from_far)
    return thresholds(hops.near, hops.far, hops.cells, saddles[hops.kinds], nodes)
