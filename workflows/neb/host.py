"""The host before hops: relaxed with the potential, and what that changes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bonding import SHELL_END, SHELL_FULL
from dualion.screening.ions import MobileIon
from dualion.screening.neighbour_distances import vectors_within
from dualion.structures.crystal import IonicCrystal
from dualion.workflows.doping.relaxation import RelaxOptions, relax
from dualion.workflows.neb.band_steps import Stop
from dualion.workflows.neb.forces import Potential
from dualion.workflows.neb.vacancies import relax_shaken

ANOTHER_COORDINATION = 0.8
"""Change of an ion's mean coordination number at which the host counts as another one."""
UNSTABLE_EV_ATOM = 0.002
"""What a complete supercell gains when it is shaken, per atom, that is no numerical noise."""
REACH_ANGSTROM = 6.0

Floats = NDArray[np.float64]


def relax_host(
    crystal: IonicCrystal, potential: Potential, options: RelaxOptions, *, stop: Stop | None = None
) -> tuple[IonicCrystal, dict[str, Any]]:
    """Relax cell and atoms of a crystal.

    Args:
        crystal: ordered, in its primitive cell.
        potential: what computes it.
        options: limits.
        stop: asked after every step.

    Returns:
        The relaxed crystal and what is said of it: ``volume_change`` as a share, ``converged``,
        ``steps``, ``energy_ev``, ``coordination`` (element → before, after).

    Raises:
        StructureError: the potential failed, or the structure fell apart; its reason says which.
        StopRequested: ``stop`` returned True.
    """
    relaxed = relax(crystal, potential.calculator, options, stop=stop)
    before, after = coordinations(crystal), coordinations(relaxed.crystal)
    return relaxed.crystal, {
        "volume_change": relaxed.crystal.volume_cubic_angstrom / crystal.volume_cubic_angstrom - 1,
        "converged": relaxed.converged,
        "steps": relaxed.steps,
        "energy_ev": relaxed.energy_ev,
        "coordination": {ion: [before[ion], after[ion]] for ion in before},
    }


def coordinations(crystal: IonicCrystal) -> dict[str, float]:
    """Return the mean coordination number of each kind of ion by ions of the other sign.

    A neighbour counts in full up to ``SHELL_FULL`` times the shortest distance, and not from
    ``SHELL_END`` times on.

    Args:
        crystal: ordered.
    """
    found: dict[str, list[float]] = {}
    kinds = zip(crystal.numbers.tolist(), crystal.charges.tolist(), strict=True)
    for site, (number, charge) in enumerate(kinds):
        if charge:
            name = str(MobileIon(int(number), float(charge)))
            found.setdefault(name, []).append(_coordination(crystal, site))
    return {name: round(float(np.mean(values)), 2) for name, values in sorted(found.items())}


def _coordination(crystal: IonicCrystal, site: int) -> float:
    others = np.flatnonzero(crystal.charges * crystal.charges[site] < 0.0)
    _, vectors = vectors_within(
        crystal.cell, crystal.frac[others], crystal.frac[site], REACH_ANGSTROM
    )
    if not len(vectors):
        return 0.0
    lengths = np.linalg.norm(vectors, axis=1)
    shares = (SHELL_END - lengths / lengths[0]) / (SHELL_END - SHELL_FULL)
    return float(np.clip(shares, 0.0, 1.0).sum())


def gain_when_shaken(
    large: IonicCrystal, potential: Potential, options: RelaxOptions, *, stop: Stop | None = None
) -> float:
    """Return what a complete supercell gains at fixed cell when it is shaken and relaxed, eV/atom.

    Args:
        large: the supercell, relaxed in a smaller cell.
        potential: what computes it.
        options: limits.
        stop: asked after every step.

    Raises:
        StructureError: the potential failed or the cell fell apart.
        StopRequested: ``stop`` returned True.
    """
    shaken = relax_shaken(large, potential, options, stop=stop)
    return (shaken.start_ev - shaken.energy_ev) / len(large.numbers)


def host_flags(about: dict[str, Any]) -> tuple[str, ...]:
    """Return the flags of what is said of a host.

    Args:
        about: of ``relax_host``, with ``shaken_gain_ev_atom`` where it is known.
    """
    flags = []
    pairs = about.get("coordination", {}).values()
    if any(abs(after - before) >= ANOTHER_COORDINATION for before, after in pairs):
        flags.append("host_rearranged")
    if about.get("shaken_gain_ev_atom", 0.0) > UNSTABLE_EV_ATOM:
        flags.append("host_not_a_minimum")
    return tuple(flags)
