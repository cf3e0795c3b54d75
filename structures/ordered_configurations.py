"""Ordered configurations of a disordered crystal, drawn at random with a seed.

A supercell is filled so that every kind of site holds its species in the numbers that its
occupancies ask for, rounded to whole ions; sites of a split position are never filled together.
Where whole numbers do not balance, ions of the partly filled sites are added or taken out if a
neutral cell is wanted; what was asked for and what was placed is always told.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import UnpreparableStructureError
from dualion.structures.supercells import make_supercell

CLOSEST_ANGSTROM = 1.0
"""Sites nearer than this are alternatives of one split position."""
ATTEMPTS = 50
"""Draws of one configuration before the site with no room is given up."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedConfiguration:
    """One way to fill the sites.

    Attributes:
        crystal: fully occupied crystal.
        wanted: number of ions that the occupancies ask for, by atomic number.
        placed: number of ions that were placed, by atomic number.
        net_charge: charge of the cell, e: whole numbers of ions rarely balance exactly.
    """

    crystal: IonicCrystal
    wanted: dict[int, float]
    placed: dict[int, int]
    net_charge: float

    @property
    def rounded(self) -> dict[int, float]:
        """Placed less wanted ions, by atomic number, where they differ."""
        gaps = {z: self.placed[z] - wanted for z, wanted in self.wanted.items()}
        return {z: gap for z, gap in gaps.items() if abs(gap) > 1e-6}


def sample_configurations(
    crystal: IonicCrystal,
    *,
    count: int,
    seed: int,
    repeat: Sequence[int] | NDArray[np.int64] = (1, 1, 1),
    neutral: bool = False,
) -> Iterator[OrderedConfiguration]:
    """Return the ordered configurations of a supercell, the same for the same seed.

    Args:
        crystal: the crystal.
        count: how many are drawn; equal ones may be among them.
        seed: seed of the draws.
        repeat: three repeats, or a 3 × 3 matrix of whole numbers.
        neutral: whether ions of partly filled sites are added or taken out until the cell is
            neutral.

    Raises:
        UnpreparableStructureError: the repeats are not positive, or no whole number of ions
            balances the cell.
    """
    if np.ndim(repeat) == 1 and (min(repeat) < 1 or len(repeat) != 3):
        raise UnpreparableStructureError(
            f"The supercell {tuple(repeat)} makes no sense; give three positive whole numbers.",
            reason="bad_supercell",
        )
    large = make_supercell(crystal, repeat)
    sites = _Sites(large)
    random = np.random.default_rng(seed)
    for _ in range(count):
        entries = _choose(sites, random)
        if neutral:
            entries = _balance_charges(large, sites, entries, random)
        yield _configuration(large, np.array(sorted(entries)))


class _Sites:
    """Distinct positions, what may sit on each, and which exclude each other."""

    def __init__(self, crystal: IonicCrystal) -> None:
        keys = np.round(crystal.frac, 5) % 1.0
        _, first, of_entry = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        self.entries = [np.flatnonzero(of_entry.ravel() == site) for site in range(len(first))]
        self.occupation = [
            tuple((int(crystal.numbers[e]), float(crystal.occupancies[e])) for e in entries)
            for entries in self.entries
        ]
        self.excluded = _close_sites(crystal, first)

    def alike(self) -> list[list[int]]:
        """Return the sites by equal occupation."""
        groups: dict[object, list[int]] = {}
        for site, occupation in enumerate(self.occupation):
            groups.setdefault(occupation, []).append(site)
        return list(groups.values())


def _close_sites(crystal: IonicCrystal, first: NDArray[np.int64]) -> list[set[int]]:
    """For each site those that cannot be filled beside it."""
    frac = crystal.frac[first]
    gap = frac[:, None] - frac[None]
    gap -= np.round(gap)
    close = np.linalg.norm(gap @ crystal.cell, axis=2) < CLOSEST_ANGSTROM
    np.fill_diagonal(close, False)
    return [set(np.flatnonzero(row).tolist()) for row in close]


def _choose(sites: _Sites, random: np.random.Generator) -> list[int]:
    """Entries of one draw."""
    chosen: list[int] = []
    filled: set[int] = set()
    for group in sorted(sites.alike(), key=lambda group: -_total(sites, group)):
        chosen += _fill(sites, group, filled, random)
    return chosen


def _balance_charges(
    crystal: IonicCrystal, sites: _Sites, entries: list[int], random: np.random.Generator
) -> list[int]:
    """The entries, with as few ions of partly filled sites changed as a neutral cell takes.

    The ions of smallest charge go first: they are the mobile ones.

    Raises:
        UnpreparableStructureError: no such ions balance the cell.
    """
    net = float(crystal.charges[entries].sum())
    if abs(net) < 1e-6:
        return entries
    partial = np.flatnonzero(crystal.occupancies < 1.0 - 1e-6)
    kinds = {(int(crystal.numbers[e]), float(crystal.charges[e])) for e in partial.tolist()}
    for number, charge in sorted(kinds, key=lambda kind: (abs(kind[1]), -kind[1], kind[0])):
        surplus = net / charge if charge else 0.5  # ions of this kind too many, or too few
        if abs(surplus - round(surplus)) > 1e-6:
            continue
        alike = [
            e
            for e in random.permutation(partial).tolist()
            if crystal.numbers[e] == number and crystal.charges[e] == charge
        ]
        there = [e for e in alike if e in set(entries)]
        if 0 < round(surplus) <= len(there):
            gone = set(there[: round(surplus)])
            return [e for e in entries if e not in gone]
        added = _free(sites, entries, alike, -round(surplus))
        if round(surplus) < 0 and len(added) == -round(surplus):
            return entries + added
    raise UnpreparableStructureError(
        f"The drawn cell carries a charge of {net:+.3g} e, and no whole number of ions of its "
        "partly filled sites balances it; choose another supercell.",
        reason="charge_unbalanced",
    )


def _free(sites: _Sites, entries: list[int], wanted: list[int], most: int) -> list[int]:
    """Up to so many of the wanted entries whose sites are free."""
    of_entry = {int(e): site for site, there in enumerate(sites.entries) for e in there}
    filled = {of_entry[e] for e in entries}
    found: list[int] = []
    for entry in wanted:
        site = of_entry[entry]
        if len(found) < most and site not in filled and not sites.excluded[site] & filled:
            filled.add(site)
            found.append(entry)
    return found


def _configuration(crystal: IonicCrystal, entries: NDArray[np.int64]) -> OrderedConfiguration:
    ordered = dataclasses.replace(
        crystal,
        frac=crystal.frac[entries],
        numbers=crystal.numbers[entries],
        charges=crystal.charges[entries],
        occupancies=np.ones(len(entries)),
        occupancy_handling="sampled",
    )
    numbers = sorted(set(crystal.numbers.tolist()))
    return OrderedConfiguration(
        crystal=ordered,
        wanted={z: float(crystal.occupancies[crystal.numbers == z].sum()) for z in numbers},
        placed={z: int((ordered.numbers == z).sum()) for z in numbers},
        net_charge=ordered.net_charge,
    )


def _total(sites: _Sites, group: list[int]) -> float:
    return sum(occupancy for _, occupancy in sites.occupation[group[0]])


def _fill(
    sites: _Sites, group: list[int], filled: set[int], random: np.random.Generator
) -> list[int]:
    """Entries for sites of equal occupation: whole numbers of each species, at random places."""
    counts = _whole_numbers([q * len(group) for _, q in sites.occupation[group[0]]], len(group))
    wanted = [column for column, count in enumerate(counts) for _ in range(count)]
    best: list[tuple[int, int]] = []
    for _ in range(ATTEMPTS):
        placed: list[tuple[int, int]] = []
        taken: set[int] = set()
        order = iter(random.permutation(group).tolist())
        for column in random.permutation(wanted).tolist():
            site = next((s for s in order if not sites.excluded[s] & (filled | taken)), None)
            if site is None:
                break
            taken.add(site)
            placed.append((site, column))
        if len(placed) > len(best):
            best = placed
        if len(best) == len(wanted):
            break
    filled |= {site for site, _ in best}
    return [int(sites.entries[site][column]) for site, column in best]


def _whole_numbers(wanted: list[float], most: int) -> list[int]:
    """Rounded counts whose sum is the rounded sum: the largest remainders go up."""
    counts = [int(np.floor(w + 1e-9)) for w in wanted]
    total = min(most, round(sum(wanted)))
    by_remainder = sorted(range(len(wanted)), key=lambda i: counts[i] - wanted[i])
    for i in by_remainder[: max(0, total - sum(counts))]:
        counts[i] += 1
    return counts
