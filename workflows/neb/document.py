"""``neb.json``: all that was found of a structure, with the geometry that a picture needs."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dualion.results.neb.pair import DIGITS
from dualion.screening.hops.hop_list import hops_of
from dualion.screening.hops.sublattice import sublattice_of
from dualion.workflows.neb.folder import ARRAYS, NebFolder
from dualion.workflows.neb.tables import network_json

if TYPE_CHECKING:
    from dualion.results.columns import Row
    from dualion.results.neb.pair import NebPair
    from dualion.structures.crystal import IonicCrystal
    from dualion.workflows.neb.carriers import CarrierEnergies
    from dualion.workflows.neb.hop_network import NetworkBarriers
    from dualion.workflows.neb.run import StructureBarriers

MOST_LINKS = 2000
"""Hops of one ion whose ends are written, the shortest first."""


def neb_document(
    row: Row,
    pair: NebPair,
    found: StructureBarriers | None,
    cost: CarrierEnergies,
    folder: NebFolder,
) -> dict[str, Any]:
    """Describe a structure's barriers as plain data.

    Args:
        row: its row of ``neb.csv``.
        pair: what the row was made of.
        found: networks of its ions; None where there are none.
        cost: of the defects that bring carriers.
        folder: of the structure.
    """
    plain = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }
    if found is None:
        return {"pair": pair.plain(), "row": plain}
    host = folder.host()
    ions = {}
    for name, network in found.ions.items():
        ions[name] = network_json(network)
        if host is not None:
            ions[name]["links"] = _links(host[0], network)
        for hop in ions[name]["hops"]:
            hop["distances_angstrom"] = _distances(folder.path / name, hop["hop"])
    return {
        "pair": pair.plain(),
        "row": plain,
        "volume_change": found.volume_change,
        "host_converged": found.host_converged,
        "coordination": {ion: list(numbers) for ion, numbers in found.coordination.items()},
        "crystal": _crystal(host[0]) if host else None,
        "ions": ions,
        "problems": found.problems,
        "carriers": asdict(cost),
    }


def _crystal(crystal: IonicCrystal) -> dict[str, Any]:
    return {name: np.round(getattr(crystal, name), 6).tolist() for name in ARRAYS}


def _links(crystal: IonicCrystal, network: NetworkBarriers) -> list[list[Any]]:
    """Ends of the hops of a cell: the distinct hop that each is, its near and its far end."""
    sites = sublattice_of(crystal, network.ion)
    hops = hops_of(sites)
    near = np.round(sites.frac[hops.near], 4)
    far = np.round(sites.frac[hops.far] + hops.cells, 4)
    rows = zip(hops.kinds.tolist(), near.tolist(), far.tolist(), strict=True)
    return [list(row) for row in rows][:MOST_LINKS]


def _distances(folder: Path, hop: int) -> list[float]:
    """Way of the moving ion up to each image of a band, Å; none where the band is not there."""
    from ase.io import iread

    path = folder / f"hop-{hop:04d}.extxyz"
    if not path.is_file():
        return []
    images = list(iread(path, format="extxyz"))
    places = np.array([image.positions for image in images])
    mover = int(np.linalg.norm(places[-1] - places[0], axis=1).argmax())
    steps = np.linalg.norm(np.diff(places[:, mover], axis=0), axis=1)
    return [0.0, *np.round(np.cumsum(steps), DIGITS).tolist()]
