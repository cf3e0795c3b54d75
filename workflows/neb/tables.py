"""Results of elastic bands as rows and plain data: the same numbers in CSV, JSON and terminal."""

from __future__ import annotations

import math
from typing import Any

from dualion.results.columns import BY_KEY, NEB, Row
from dualion.results.neb.pair import DIGITS, Key, NebPair, neb_columns
from dualion.results.vocabulary import words
from dualion.screening.criterion import DaiCriterion
from dualion.screening.triple import Triple
from dualion.workflows.neb.carriers import CarrierEnergies
from dualion.workflows.neb.hop_barriers import HopBarrier
from dualion.workflows.neb.hop_network import NetworkBarriers
from dualion.workflows.neb.run import StructureBarriers

IDENTITY = ("source_id", "formula", "cation", "anion")
COLUMNS = (*(BY_KEY[key] for key in IDENTITY), *NEB)
"""Columns of ``neb.csv``: those of ``candidates.csv`` that are of a pair's barriers."""

UNRESOLVED = frozenset({"hop_without_barrier", "vacancy_failed"})
"""Flags of a network in which a barrier may be missing."""
UNKNOWN = Triple(math.nan, math.nan, math.nan)


def neb_pair(
    key: Key,
    found: StructureBarriers | None,
    cost: CarrierEnergies,
    potential: str,
    problem: str = "",
) -> NebPair:
    """Collect what was computed of a pair of ions.

    Args:
        key: structure key, cation, anion.
        found: barriers of the structure, None where there are none.
        cost: of the defects that bring carriers.
        potential: name.
        problem: why there are no barriers.
    """
    networks = [found.ions.get(name) if found else None for name in key[1:]]
    cation_ev, anion_ev = (told_barriers_ev(one) if one else UNKNOWN for one in networks)
    known = [network for network in networks if network is not None]
    flags = [flag for network in known for flag in network.flags]
    if found is not None and not found.host_converged:
        flags.append("host_not_converged")
    problems = [f"{ion}: {text}" for ion, text in found.problems.items()] if found else []
    problems += [f"{words(kind)}: {text}" for kind, text in cost.problems.items()]
    return NebPair(
        structure_key=key[0],
        cation=key[1],
        anion=key[2],
        potential=potential,
        cation_ev=cation_ev,
        anion_ev=anion_ev,
        hops=sum(len(network.barriers) for network in known),
        hops_left=sum(len(network.left) for network in known),
        flags=(*flags, *cost.flags),
        problem=" ".join([*problems, problem]).strip(),
        pairs_ev={kind: round(energy, DIGITS) for kind, energy in cost.pairs_ev.items()},
    )


def pair_row(source_id: str, formula: str, pair: NebPair, criterion: DaiCriterion) -> Row:
    """Build the row of ``neb.csv`` of a pair.

    Args:
        source_id: name of the structure.
        formula: of it.
        pair: what was computed.
        criterion: thresholds of the verdict.
    """
    names = dict(zip(IDENTITY, (source_id, formula, pair.cation, pair.anion), strict=True))
    return {**names, **neb_columns(pair, criterion)}


def is_resolved(network: NetworkBarriers) -> bool:
    """Return whether every barrier of a network is known: none is missing where it may decide."""
    lost = UNRESOLVED.intersection(network.flags)
    return not (lost and any(math.isinf(value) for value in network.barriers_ev))


def told_barriers_ev(network: NetworkBarriers) -> Triple:
    """Return E_1D, E_2D, E_3D, eV, ``inf`` where nothing percolates, NaN where that is not known.

    Args:
        network: of one ion.
    """
    resolved = is_resolved(network)
    return Triple(
        *(
            round(value, DIGITS) if resolved or math.isfinite(value) else math.nan
            for value in network.barriers_ev
        )
    )


def network_json(network: NetworkBarriers) -> dict[str, Any]:
    """Describe a network as plain data; ``null`` where nothing percolates or no barrier is known.

    Args:
        network: of one ion.
    """
    return {
        "barriers_ev": [_plain(value) for value in network.barriers_ev],
        "bond_valence_ev": [_plain(value) for value in network.bond_valence_ev],
        "atoms": network.atoms,
        "distinct_hops": network.hops,
        "deciding_hops": list(network.critical),
        "hops_left": list(network.left),
        "flags": list(network.flags),
        "hops": [
            hop_json(barrier, network.lengths_angstrom[barrier.hop]) for barrier in network.barriers
        ],
    }


def hop_json(barrier: HopBarrier, length_angstrom: float) -> dict[str, Any]:
    """Describe a hop as plain data; ``null`` where it has no barrier.

    Args:
        barrier: of the hop.
        length_angstrom: of the hop, Å.
    """
    return {
        "hop": barrier.hop,
        "length_angstrom": round(length_angstrom, DIGITS),
        "rises_ev": [_plain(rise) for rise in barrier.rises_ev],
        "energies_ev": [_plain(energy) for energy in barrier.energies_ev],
        "largest_force_ev_angstrom": _plain(barrier.largest_force_ev_angstrom),
        "steps": barrier.steps,
        "flags": list(barrier.flags),
        "reason": barrier.reason,
    }


def _plain(value: float) -> float | None:
    return round(value, DIGITS) if math.isfinite(value) else None
