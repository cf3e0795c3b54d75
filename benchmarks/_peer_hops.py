"""Distinct hops of Li+ by ``ions`` 0.5.1 beside ours, and the peer's way to lay a hop's images."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ions.edge import Edge
from ions.percolator import Percolator
from numpy.typing import NDArray

from dualion.screening.hops.hop_list import DIRECT, HopList
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.files import iter_raw_entries
from dualion.structures.records import RawEntry

LITHIUM = MobileIon(3, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HopCounts:
    """Distinct hops of both, up to the length of our longest.

    Attributes:
        ours, theirs: numbers of distinct hops.
        shared: of ours that are among theirs.
        twice: of theirs that symmetry relates to another of theirs.
        by_third_site: of theirs that are none of ours and have a third site much nearer to both ends.
        other: of theirs that are none of ours and have none.
    """

    ours: int
    theirs: int
    shared: int
    twice: int
    by_third_site: int
    other: int


def shuffled_rows(path: Path, seed: int) -> list[RawEntry]:
    """Rows of a file in a seeded order."""
    entries = [e for e in iter_raw_entries([path]) if isinstance(e, RawEntry)]
    random.Random(seed).shuffle(entries)
    return entries


def plain_atoms(crystal: IonicCrystal) -> Atoms:
    """A crystal as the peer takes it."""
    return Atoms(
        numbers=crystal.numbers, cell=crystal.cell, scaled_positions=crystal.frac, pbc=True
    )


def own_edges(crystal: IonicCrystal, hops: HopList) -> NDArray[np.int64]:
    """Our distinct hops as the peer's edges: source, target, cell of the target."""
    sites = np.flatnonzero(crystal.numbers == LITHIUM.number)
    chosen = hops.chosen
    return np.column_stack([sites[hops.near[chosen]], sites[hops.far[chosen]], hops.cells[chosen]])


def hop_counts(crystal: IonicCrystal, hops: HopList) -> HopCounts:
    """Count the hops of both, and which they share."""
    atoms = plain_atoms(crystal)
    longest = float(hops.lengths_angstrom.max()) + 1e-3
    peer = Percolator(atoms, mobile_specie="Li", upper_bound=longest)
    peer._collect_edges()
    peer._annotate_edges()
    edges, _ = peer._filter_edges(longest, 0.0)
    distinct, *_ = peer._inequivalent_edges(edges)
    kinds = _kinds_of(crystal, hops)
    known = [kinds.get(tuple(edge.tolist())) for edge in distinct]
    shared = {kind for kind in known if kind is not None}
    rest = [edge for edge, kind in zip(distinct, known, strict=True) if kind is None]
    indirect = sum(_has_third_site(atoms, edge, longest) for edge in rest)
    return HopCounts(
        ours=len(hops.chosen),
        theirs=len(distinct),
        shared=len(shared),
        twice=len(distinct) - len(rest) - len(shared),
        by_third_site=indirect,
        other=len(rest) - indirect,
    )


def _kinds_of(crystal: IonicCrystal, hops: HopList) -> dict[tuple[int, ...], int]:
    """Our number of the distinct hop of every edge, in both directions."""
    sites = np.flatnonzero(crystal.numbers == LITHIUM.number)
    near, far = sites[hops.near], sites[hops.far]
    there = np.column_stack([near, far, hops.cells]).tolist()
    back = np.column_stack([far, near, -hops.cells]).tolist()
    return {
        tuple(edge): int(kind)
        for edges in (there, back)
        for edge, kind in zip(edges, hops.kinds, strict=True)
    }


def _has_third_site(atoms: Atoms, edge: NDArray[np.int64], reach: float) -> bool:
    """Whether a third site is much nearer to both ends of a hop than they are to each other."""
    one = Edge(atoms, edge[0], edge[1], edge[2:])
    lithium = atoms[atoms.numbers == LITHIUM.number]
    span = int(np.ceil(reach / lithium.cell.lengths().min())) + 1
    cells = np.array(list(np.ndindex(*(3 * (2 * span + 1,))))) - span
    places = (lithium.positions[None] + (cells @ np.array(lithium.cell))[:, None]).reshape(-1, 3)
    farther = np.maximum(*(np.linalg.norm(places - end, axis=1) for end in (one.p1, one.p2)))
    return bool((farther < DIRECT * one.length).any())


class JsonLines:
    """Records kept as they are made, so that a stop loses none.

    Args:
        path: of the file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self._known: dict[str, dict[str, Any]] = {one["key"]: one for one in map(json.loads, lines)}

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def __getitem__(self, key: str) -> dict[str, Any]:
        return self._known[key]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._known.values())

    def add(self, key: str, record: dict[str, Any]) -> None:
        """Keep a record."""
        self._known[key] = {"key": key} | record
        with self._path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(self._known[key]) + "\n")
