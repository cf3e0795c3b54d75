"""The hop network of one ion with a potential: hop after hop, until no other can lower it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.hops.hop_list import HopList
from dualion.screening.hops.lazy_search import KnownHops, known_thresholds, next_hop
from dualion.screening.hops.vacancy import VacancyHops, vacancy_hops
from dualion.screening.ions import MobileIon
from dualion.screening.triple import Triple
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import StructureError
from dualion.workflows.neb.band import BandOptions
from dualion.workflows.neb.band_steps import Stop
from dualion.workflows.neb.cell import LEAST_ATOMS, HopCell, hop_cell
from dualion.workflows.neb.folder import NebFolder
from dualion.workflows.neb.forces import Potential
from dualion.workflows.neb.hop_barriers import HopBarrier, HopCalculation

Floats = NDArray[np.float64]
OnHop = Callable[[HopBarrier, int, bool], None]
"""Called with a hop, the number of distinct hops, and whether it is of an earlier run."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetworkBarriers:
    """Barriers of one ion by the vacancy mechanism with a potential.

    Attributes:
        ion: the mobile ion.
        barriers_ev: E_1D, E_2D, E_3D of the computed hops, eV; ``inf`` where they do not percolate.
        bond_valence_ev: the same by bond valence, the lattice giving way, eV.
        hops: distinct hops of the ion.
        barriers: the computed ones.
        left: hops that were not computed, as they cannot lower a barrier within the margin.
        critical: distinct hop whose saddle is E_1D, E_2D, E_3D; −1 for none.
        lengths_angstrom: length of each distinct hop, Å.
        atoms: in the supercell.
        flags: of the hops that decide a barrier, and of vacancies that could not be relaxed.
    """

    ion: MobileIon
    barriers_ev: Triple
    bond_valence_ev: Triple
    hops: int
    barriers: tuple[HopBarrier, ...]
    left: tuple[int, ...]
    critical: tuple[int, int, int]
    lengths_angstrom: tuple[float, ...]
    atoms: int
    flags: tuple[str, ...]


def network_barriers(
    crystal: IonicCrystal,
    ion: MobileIon,
    potential: Potential,
    options: BandOptions,
    folder: NebFolder,
    *,
    margin_ev: float,
    most_atoms: int,
    smallest_width_angstrom: float,
    least_atoms: int = LEAST_ATOMS,
    on_hop: OnHop | None = None,
    stop: Stop | None = None,
) -> NetworkBarriers:
    """Compute the barriers of an ion; what the folder holds is not computed again.

    Args:
        crystal: ordered, relaxed, in its primitive cell.
        ion: the mobile ion.
        potential: what computes the hops.
        options: limits of the bands.
        folder: of this ion, claimed.
        margin_ev: how far a saddle may lie below what bond valence lets expect, eV.
        most_atoms: largest number of atoms of the supercell.
        smallest_width_angstrom: least distance of its opposite faces, Å.
        least_atoms: smallest number of its atoms, where that stays under the largest.
        on_hop: called for each hop.
        stop: asked after every step of a band or relaxation; True stops.

    Raises:
        InputError: no supercell under the limit is wide enough.
        StructureError: the ion has no hops that cross the crystal, or the potential failed for
            every vacancy.
        StopRequested: ``stop`` returned True.
    """
    cell = hop_cell(
        crystal,
        ion,
        most_atoms=most_atoms,
        least_atoms=least_atoms,
        smallest_width_angstrom=smallest_width_angstrom,
    )
    found = vacancy_hops(crystal, ion)
    if not len(found.hops.chosen):
        raise StructureError(
            f"{ion} has no site or periodic image in reach of a hop.", reason="no_hop_in_reach"
        )
    calculation = HopCalculation(
        cell, found.hops, potential, options, saddles_frac=found.energies.saddles_frac, stop=stop
    )
    calculation.ends.update(folder.ends())
    nodes, flags = _nodes(calculation, folder)
    computed = folder.hops()
    for barrier in computed.values():
        _tell(on_hop, barrier, found, True)
    estimates = bond_valence_saddles(found)
    known = _known(found.hops, computed, nodes, estimates)
    while (hop := next_hop(found.hops, known, margin_ev=margin_ev)) >= 0:
        barrier = calculation.barrier(hop)
        for end in calculation.ends.values():
            folder.save_end(end)
        folder.save_hop(barrier)
        computed[hop] = barrier
        _tell(on_hop, barrier, found, False)
        known = _known(found.hops, computed, nodes, estimates)
    return _summary(cell, found, known, computed, flags)


def bond_valence_saddles(found: VacancyHops) -> Floats:
    """Saddles by bond valence on the scale of its vacancies, lattice giving way, shape (k,), eV.

    Args:
        found: hops by bond valence.
    """
    nodes = found.energies.sites_ev(relaxing=True)
    return node_scale(found.hops, nodes, found.energies.rises_ev(relaxing=True))


def node_scale(hops: HopList, nodes_ev: Floats, rises_ev: Floats) -> Floats:
    """Saddles on the scale of the vacancies' energies, shape (k,), eV.

    While the ion climbs from the near site, the vacancy climbs from the far one; the mean of both
    ways counts.

    Args:
        hops: the hops.
        nodes_ev: shape (s,), eV.
        rises_ev: shape (k, 2), climb of the ion from the near and from the far end, eV.
    """
    near, far = nodes_ev[hops.near[hops.chosen]], nodes_ev[hops.far[hops.chosen]]
    return np.asarray(0.5 * (far + rises_ev[:, 0] + near + rises_ev[:, 1]))


def _tell(on_hop: OnHop | None, barrier: HopBarrier, found: VacancyHops, before: bool) -> None:
    if on_hop is not None:
        on_hop(barrier, len(found.hops.chosen), before)


def _nodes(calculation: HopCalculation, folder: NebFolder) -> tuple[Floats, list[str]]:
    """Energy of a vacancy at each site, eV, ``inf`` where it cannot be relaxed; and flags.

    Raises:
        StructureError: none can be relaxed.
    """
    sites = calculation.cell.sites
    nodes, flags, error = np.full(len(sites.frac), np.inf), [], None
    for first in np.unique(sites.orbits).tolist():
        try:
            end = calculation.vacancy(calculation.cell.site_at(sites.frac[first]))
        except StructureError as failure:
            flags.append("vacancy_failed")
            error = failure
            continue
        folder.save_end(end)
        nodes[sites.orbits == first] = end.energy_ev
        if not end.converged:
            flags.append("end_not_converged")
    if error is not None and not np.isfinite(nodes).any():
        raise error
    return nodes, flags


def _known(
    hops: HopList, computed: dict[int, HopBarrier], nodes: Floats, estimates: Floats
) -> KnownHops:
    rises = np.full((len(hops.chosen), 2), np.nan)
    for number, barrier in computed.items():
        rises[number] = barrier.rises_ev
    with np.errstate(invalid="ignore"):
        saddles = node_scale(hops, nodes, rises)
    for number in computed:
        if not np.isfinite(saddles[number]):
            saddles[number] = np.inf
    return KnownHops(saddles_ev=saddles, nodes_ev=nodes, estimates_ev=estimates)


def _summary(
    cell: HopCell,
    found: VacancyHops,
    known: KnownHops,
    computed: dict[int, HopBarrier],
    flags: list[str],
) -> NetworkBarriers:
    final = known_thresholds(found.hops, known)
    critical = [int(found.hops.kinds[row]) if row >= 0 else -1 for row in final.critical]
    for hop in critical:
        flags += computed[hop].flags if hop >= 0 else ()
    if any(barrier.reason for barrier in computed.values()):
        flags.append("hop_without_barrier")
    return NetworkBarriers(
        ion=found.ion,
        barriers_ev=final.barriers_ev,
        bond_valence_ev=found.relaxing.barriers_ev,
        hops=len(found.hops.chosen),
        barriers=tuple(computed[hop] for hop in sorted(computed)),
        left=tuple(np.flatnonzero(known.left).tolist()),
        critical=(critical[0], critical[1], critical[2]),
        lengths_angstrom=tuple(found.hops.lengths_angstrom[found.hops.chosen].tolist()),
        atoms=len(cell.large.numbers),
        flags=tuple(dict.fromkeys(flags)),
    )
