"""Duplicates: entries, of one source or of several, that are the same structure.

Compositions are put into buckets, fingerprints leave the pairs that may match, and pymatgen's
StructureMatcher decides on these. Entries are taken in order of provenance, and each joins the
first group whose head it matches, so that the head of a group is its best entry.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from dualion.structures.files import parse_entry
from dualion.structures.records import RawEntry
from dualion.structures.sources.fingerprint import Fingerprint, differences, element_occupancies

if TYPE_CHECKING:
    from pymatgen.core import Structure


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchOptions:
    """When two structures count as one.

    Attributes:
        length_tolerance: largest relative difference of cell lengths (``ltol``).
        site_tolerance: largest rms distance of sites, in units of (V/N)^(1/3) (``stol``). At
            pymatgen's own 0.3, about 0.7 Å, different cation orderings become one.
        angle_tolerance_deg: largest difference of cell angles (``angle_tol``).
        occupancy_tolerance: largest difference of occupancies on a site.
        largest_difference: profiles that differ more than this anywhere cannot match.
        mean_difference: profiles that differ more than this on average cannot match.
        supercell_difference: pairs whose primitive cells differ in size are compared as supercells
            if their profiles differ less than this (noise can hide a smaller cell).
        max_sites: above this many sites the matcher is too slow, and only crystals with
            practically equal profiles count as one.
    """

    length_tolerance: float = 0.2
    site_tolerance: float = 0.1
    angle_tolerance_deg: float = 5.0
    occupancy_tolerance: float = 0.05
    largest_difference: float = 0.3
    mean_difference: float = 0.04
    supercell_difference: float = 0.1
    max_sites: int = 200


EQUAL_PROFILES = 0.02
"""Largest difference of profiles at which crystals beyond ``max_sites`` are one."""

REDUCTION_ERRORS = (ValueError, IndexError, ArithmeticError, np.linalg.LinAlgError)
"""What pymatgen raises where it finds no reduced cell."""

DEFAULT_MATCH = MatchOptions()

Group = list[int]
"""Indices of entries that are one structure; the first is the best."""

Pairs = dict[tuple[int, int], float]
"""Pairs (low, high) that may match, and the largest difference of their profiles."""


def candidate_groups(
    prints: Sequence[Fingerprint], options: MatchOptions = DEFAULT_MATCH
) -> Iterator[tuple[list[int], Pairs]]:
    """Connected sets of entries whose fingerprints allow a match.

    Args:
        prints: fingerprints in order of provenance, best first.
        options: the tolerances.

    Yields:
        Indices in ascending order, at least two, and the pairs (low, high) among them.
    """
    buckets: dict[object, list[int]] = defaultdict(list)
    for index, item in enumerate(prints):
        buckets[item.key].append(index)
    for members in buckets.values():
        if len(members) > 1:
            yield from _components(members, dict(_close_pairs(members, prints, options)))


def _close_pairs(
    members: list[int], prints: Sequence[Fingerprint], options: MatchOptions
) -> Iterator[tuple[tuple[int, int], float]]:
    profiles = np.stack([prints[index].profiles for index in members])
    fractions = np.stack([prints[index].fractions for index in members])
    for place, index in enumerate(members[:-1]):
        largest, mean = differences(prints[index], profiles[place + 1 :])
        composition = np.abs(fractions[place] - fractions[place + 1 :]).max(axis=1)
        close = (
            (largest < options.largest_difference)
            & (mean < options.mean_difference)
            & (composition < options.occupancy_tolerance)
        )
        for step in np.flatnonzero(close).tolist():
            yield (index, members[place + 1 + step]), float(largest[step])


def _components(members: list[int], pairs: Pairs) -> Iterator[tuple[list[int], Pairs]]:
    """Connected components that hold a pair."""
    parent = {index: index for index in members}

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for low, high in pairs:
        parent[root(high)] = root(low)
    nodes: dict[int, list[int]] = defaultdict(list)
    edges: dict[int, Pairs] = defaultdict(dict)
    for index in members:
        nodes[root(index)].append(index)
    for pair, difference in pairs.items():
        edges[root(pair[0])][pair] = difference
    for name, found in edges.items():
        yield sorted(nodes[name]), found


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchTask:
    """One connected set of candidates, as a worker process gets it.

    Attributes:
        indices: names of the entries in the answer, best provenance first.
        entries: the entries.
        pairs: pairs of places in ``entries`` that may match.
        options: the tolerances.
    """

    indices: tuple[int, ...]
    entries: tuple[RawEntry, ...]
    pairs: Pairs
    options: MatchOptions = DEFAULT_MATCH


def match_groups(task: MatchTask) -> list[Group]:
    """Groups of two or more entries that are one structure."""
    structures = [reduced(plain(parse_entry(entry).structure)) for entry in task.entries]
    groups: list[list[int]] = []
    for place in range(len(structures)):
        for group in groups:
            pair = (group[0], place)
            if pair in task.pairs and _same(structures, pair, task):
                group.append(place)
                break
        else:
            groups.append([place])
    return [[task.indices[place] for place in group] for group in groups if len(group) > 1]


def _same(structures: list[Structure], pair: tuple[int, int], task: MatchTask) -> bool:
    one, other = structures[pair[0]], structures[pair[1]]
    options, difference = task.options, task.pairs[pair]
    if max(len(one), len(other)) > options.max_sites:
        return difference < EQUAL_PROFILES
    as_supercell = len(one) != len(other)
    if as_supercell and difference > options.supercell_difference:
        return False
    matcher = _matcher(options, as_supercell)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bool(matcher.fit(one, other, skip_structure_reduction=True))
        except REDUCTION_ERRORS:
            return False


def reduced(structure: Structure) -> Structure:
    """The primitive cell, as the matcher would make it anew for every pair."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return structure.get_reduced_structure("niggli").get_primitive_structure()
        except REDUCTION_ERRORS:
            return structure


def plain(structure: Structure) -> Structure:
    """The structure without charges and properties, D as H, sites as compositions of elements."""
    from pymatgen.core import Structure

    elements, sites = element_occupancies(structure)
    contents: list[Any] = [
        {symbol: float(share) for symbol, share in zip(elements, row, strict=True) if share > 0}
        for row in sites
    ]
    return Structure(structure.lattice, contents, structure.frac_coords)


@lru_cache(maxsize=4)
def _matcher(options: MatchOptions, as_supercell: bool) -> Any:
    from pymatgen.analysis.structure_matcher import AbstractComparator, StructureMatcher

    class OccupancyComparator(AbstractComparator):  # type: ignore[misc]
        """Sites are alike if they hold the same elements with nearly the same shares."""

        def are_equal(self, sp1: Any, sp2: Any) -> bool:
            """Check whether two sites hold the same species at the same occupancies.

            Args:
                sp1: species and occupancies of a site.
                sp2: those of another.
            """
            return set(sp1) == set(sp2) and all(
                abs(sp1[kind] - sp2[kind]) <= options.occupancy_tolerance for kind in sp1
            )

        def get_hash(self, composition: Any) -> Any:
            return tuple(sorted(kind.symbol for kind in composition))

    return StructureMatcher(
        ltol=options.length_tolerance,
        stol=options.site_tolerance,
        angle_tol=options.angle_tolerance_deg,
        primitive_cell=False,  # they are reduced already
        attempt_supercell=as_supercell,
        comparator=OccupancyComparator(),
    )
