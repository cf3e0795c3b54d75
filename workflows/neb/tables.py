"""Results of elastic bands as rows and plain data: the same numbers in CSV, JSON and terminal."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from typing import Any

from dualion.results.tables import guard_cell
from dualion.screening.criterion import Verdict
from dualion.workflows.neb.hop_barriers import HopBarrier
from dualion.workflows.neb.hop_network import NetworkBarriers
from dualion.workflows.neb.run import StructureBarriers

DIGITS = 4
COLUMNS = (
    "source_id", "formula", "cation", "anion",
    *(f"e{n}d_{kind}_neb_ev" for kind in ("cation", "anion") for n in (1, 2, 3)),
    *(f"ratio_{n}d_neb" for n in (1, 2, 3)),
    "dai_neb", "neb_potential", "neb_hops", "neb_hops_left", "neb_flags", "neb_problem",
)  # fmt: skip
"""Columns of ``neb.csv``; energies in eV, ``inf`` where nothing percolates, empty where that is not
known because a hop or a vacancy has no energy."""

UNRESOLVED = frozenset({"hop_without_barrier", "vacancy_failed"})
"""Flags of a network in which a barrier may be missing."""

Row = dict[str, Any]


def pair_row(
    names: tuple[str, str, str, str],
    found: StructureBarriers | None,
    verdict: Verdict | None,
    potential: str,
    problem: str = "",
) -> Row:
    """Build the row of a pair of ions.

    Args:
        names: source id, formula, cation, anion.
        found: barriers of the structure, None where there are none.
        verdict: on the pair, None where an ion has no barriers.
        potential: name.
        problem: why there are no barriers.
    """
    row: Row = dict(zip(COLUMNS[:4], names, strict=True))
    row["neb_potential"] = potential
    networks = [found.ions.get(name) if found else None for name in names[2:]]
    for kind, network in zip(("cation", "anion"), networks, strict=True):
        if network is not None:
            for n, value in enumerate(told_barriers_ev(network), start=1):
                row[f"e{n}d_{kind}_neb_ev"] = round(value, DIGITS)
    if verdict is not None and all(network and is_resolved(network) for network in networks):
        for n, ratio in enumerate(verdict.ratios, start=1):
            row[f"ratio_{n}d_neb"] = round(ratio, DIGITS)
        row["dai_neb"] = verdict.dai
    known = [network for network in networks if network is not None]
    row["neb_hops"] = sum(len(network.barriers) for network in known)
    row["neb_hops_left"] = sum(len(network.left) for network in known)
    flags = [flag for network in known for flag in network.flags]
    if found is not None and not found.host_converged:
        flags.append("host_not_converged")
    row["neb_flags"] = ";".join(dict.fromkeys(flags))
    problems = [f"{ion}: {text}" for ion, text in found.problems.items()] if found else []
    row["neb_problem"] = " ".join([*problems, problem]).strip()
    return row


def is_resolved(network: NetworkBarriers) -> bool:
    """Return whether every barrier of a network is known: none is missing where it may decide."""
    lost = UNRESOLVED.intersection(network.flags)
    return not (lost and any(math.isinf(value) for value in network.barriers_ev))


def told_barriers_ev(network: NetworkBarriers) -> tuple[float, ...]:
    """Return E_1D, E_2D, E_3D, eV, ``inf`` where nothing percolates, NaN where that is not known.

    Args:
        network: of one ion.
    """
    if is_resolved(network):
        return tuple(network.barriers_ev)
    return tuple(math.nan if math.isinf(value) else value for value in network.barriers_ev)


def rows_csv(rows: Iterable[Row]) -> str:
    """Write ``neb.csv``."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(value) for key, value in row.items()})
    return text.getvalue()


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


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.{DIGITS}f}"
    return guard_cell(value) if isinstance(value, str) else value
