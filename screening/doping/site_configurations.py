"""Changes of single sites of a host: ions inserted, removed or replaced, told apart by symmetry.

A host's ions and its insertion sites together are its points. A configuration names, for every
kind of change, the points it happens at. Two configurations are the same where an operation of
the host maps one onto the other; the number of different images is the degeneracy.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from dualion.screening.doping.changeable_points import Choice, Ints, Points, symmetric_choices
from dualion.screening.ions import MobileIon
from dualion.screening.neighbour_distances import shortest_distances
from dualion.screening.percolation.voids import crystal_radius_angstrom
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError

Action = Literal["insert", "remove", "replace"]

OPPOSITE_ANGSTROM = 2.0
"""Least distance of inserted ions of opposite charge."""
LIKE_ANGSTROM = 3.0
"""Least distance of inserted ions of equal sign, unless their radii touch farther out, and of an
inserted ion to a vacancy that it would fill again."""
ENUMERATED = 20_000
"""Up to so many ways to choose, all are looked at."""
DRAWS_PER_CONFIGURATION = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SiteChange:
    """One kind of change at a number of points.

    Attributes:
        action: insert, remove or replace.
        ion: the ion that is inserted, removed, or put in the place of another.
        count: how many.
        points: shape (m,), the points to choose from.
    """

    action: Action
    ion: MobileIon
    count: int
    points: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Configuration:
    """One way to change the host, one for all that its symmetry relates.

    Attributes:
        choice: the points of each change.
        degeneracy: number of different configurations that symmetry relates to it.
        crystal: the changed crystal.
    """

    choice: Choice
    degeneracy: int
    crystal: IonicCrystal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConfigurationSet:
    """Configurations of one host.

    Attributes:
        configurations: symmetry-distinct ones.
        distinct: how many there are in all; −1 where there are too many to count.
        combinations: number of ways to choose the points, before distances and symmetry.
    """

    configurations: tuple[Configuration, ...]
    distinct: int
    combinations: int

    @property
    def complete(self) -> bool:
        """Whether these are all there are."""
        return self.distinct == len(self.configurations)


def distinct_configurations(
    points: Points, changes: Sequence[SiteChange], *, most: int, seed: int
) -> ConfigurationSet:
    """Generate symmetry-distinct configurations: all, or a sample where there are too many.

    Args:
        points: the host and its insertion sites.
        changes: what is changed; together they must be neutral.
        most: largest number of configurations of a sample.
        seed: seed of the sample.

    Raises:
        InputError: the changes are not neutral, or ask for more points than there are, or no
            choice keeps the distances.
    """
    _check_changes(points, changes)
    combinations = math.prod(math.comb(len(change.points), change.count) for change in changes)
    distances = _Distances(points, changes)
    enumerated = combinations <= ENUMERATED
    if enumerated:
        found = _enumerate(points, changes, distances)
    else:
        found = _sample(points, changes, distances, most, seed)
    if not found:
        raise InputError(
            "No configuration keeps the inserted ions apart from each other and from the "
            "vacancies; choose a smaller concentration or a larger cell."
        )
    chosen = list(range(len(found)))
    if len(found) > most:
        chosen = sorted(np.random.default_rng(seed).permutation(len(found))[:most].tolist())
    return ConfigurationSet(
        configurations=tuple(
            Configuration(
                choice=found[index][0],
                degeneracy=found[index][1],
                crystal=apply_changes(points, changes, found[index][0]),
            )
            for index in chosen
        ),
        distinct=len(found) if enumerated else -1,
        combinations=combinations,
    )


def _enumerate(
    points: Points, changes: Sequence[SiteChange], distances: _Distances
) -> list[tuple[Choice, int]]:
    """One choice of each set that symmetry relates, and the size of the set."""
    found: list[tuple[Choice, int]] = []
    seen: set[Choice] = set()
    for choice in _all_choices(changes):
        if choice not in seen and distances.allow(choice):
            images = symmetric_choices(points, choice)
            seen |= set(images)
            found.append((choice, len(images)))
    return found


def _sample(
    points: Points, changes: Sequence[SiteChange], distances: _Distances, most: int, seed: int
) -> list[tuple[Choice, int]]:
    """As ``_enumerate``, of random choices until there are ``most``."""
    found: list[tuple[Choice, int]] = []
    seen: set[Choice] = set()
    for choice in _random_choices(changes, distances, most * DRAWS_PER_CONFIGURATION, seed):
        if choice in seen or not distances.allow(choice):
            continue
        images = symmetric_choices(points, choice)
        if images[0] not in seen:
            # The first image stands for all of them; to keep all would fill the memory.
            seen.add(images[0])
            found.append((choice, len(images)))
            if len(found) >= most:
                break
    return found


def _check_changes(points: Points, changes: Sequence[SiteChange]) -> None:
    net = points.host.net_charge
    for change in changes:
        if change.count > len(change.points):
            raise InputError(
                f"The cell has {len(change.points)} places to {change.action} {change.ion}, but "
                f"{change.count} are asked for; choose a smaller concentration."
            )
        net += _charge_of(points.host, change)
    if abs(net) > 1e-3:
        raise InputError(
            f"The changed cell would carry a charge of {net:+.3g} e; balance the changes."
        )


def _charge_of(host: IonicCrystal, change: SiteChange) -> float:
    """Charge that a change adds, e."""
    if change.action == "insert":
        return change.count * change.ion.charge
    removed = float(host.charges[change.points].mean()) if change.count else 0.0
    added = change.ion.charge if change.action == "replace" else 0.0
    return change.count * (added - removed)


class _Distances:
    """Which points may be changed together."""

    def __init__(self, points: Points, changes: Sequence[SiteChange]) -> None:
        self._changes = changes
        involved = np.unique(np.concatenate([change.points for change in changes]))
        self._row = {int(point): row for row, point in enumerate(involved)}
        places = points.frac[involved]
        self._apart = shortest_distances(points.host.cell, places, places)

    def compatible(self, change: SiteChange, point: int, other: SiteChange, second: int) -> bool:
        """Return whether two points can be changed in these two ways.

        Args:
            change: what happens at the first point.
            point: index of the first point.
            other: what happens at the second point.
            second: index of the second point.
        """
        if point == second:
            return False
        least = _least_distance(change, other)
        return float(self._apart[self._row[point], self._row[second]]) >= least

    def allow(self, choice: Choice) -> bool:
        """Return whether all points of a choice can be changed together."""
        chosen = [
            (change, point)
            for change, part in zip(self._changes, choice, strict=True)
            for point in part
        ]
        return all(
            self.compatible(*first, *second) for first, second in itertools.combinations(chosen, 2)
        )


def _least_distance(first: SiteChange, second: SiteChange) -> float:
    """Least distance of the points of two changes, Å."""
    actions = {first.action, second.action}
    if actions == {"insert"}:
        if first.ion.charge * second.ion.charge < 0:
            return OPPOSITE_ANGSTROM
        ions = (first.ion, second.ion)
        touching = sum(crystal_radius_angstrom(ion.number, ion.charge) for ion in ions)
        return max(LIKE_ANGSTROM, touching)
    if actions == {"insert", "remove"} and first.ion.number == second.ion.number:
        return LIKE_ANGSTROM
    return 0.0


def _all_choices(changes: Sequence[SiteChange]) -> Iterator[Choice]:
    parts = [
        itertools.combinations(sorted(change.points.tolist()), change.count) for change in changes
    ]
    return itertools.product(*parts)


def _random_choices(
    changes: Sequence[SiteChange], distances: _Distances, draws: int, seed: int
) -> Iterator[Choice]:
    """Random choices, one point after the other among those that are still allowed."""
    random = np.random.default_rng(seed)
    for _ in range(draws):
        chosen: list[tuple[SiteChange, int]] = []
        for change in changes:
            for _ in range(change.count):
                order = random.permutation(change.points).tolist()
                free = (
                    point
                    for point in order
                    if all(distances.compatible(change, point, *other) for other in chosen)
                )
                point = next(free, None)
                if point is not None:
                    chosen.append((change, point))
        if len(chosen) == sum(change.count for change in changes):
            yield tuple(
                tuple(sorted(point for of, point in chosen if of is change)) for change in changes
            )


def apply_changes(points: Points, changes: Sequence[SiteChange], choice: Choice) -> IonicCrystal:
    """Apply the changes of one configuration to the host; inserted ions come last.

    Args:
        points: the host and its insertion sites.
        changes: what is changed.
        choice: for every change the points it happens at.
    """
    host = points.host
    numbers, charges = host.numbers.copy(), host.charges.copy()
    stays = np.ones(len(numbers), dtype=bool)
    inserted: list[tuple[int, MobileIon]] = []
    for change, part in zip(changes, choice, strict=True):
        at = list(part)
        if change.action == "insert":
            inserted += [(point, change.ion) for point in at]
        elif change.action == "remove":
            stays[at] = False
        else:
            numbers[at], charges[at] = change.ion.number, change.ion.charge
    added = [ion for _, ion in inserted]
    new = np.array([point for point, _ in inserted], dtype=np.int64)
    return replace(
        host,
        frac=np.vstack([host.frac[stays], points.frac[new]]),
        numbers=np.append(numbers[stays], [ion.number for ion in added]),
        charges=np.append(charges[stays], [ion.charge for ion in added]),
        occupancies=np.ones(int(stays.sum()) + len(added)),
    )
