"""Choose one state per group of atoms so that the cell is neutral, at the least total cost.

Two solvers, both exact and of bounded work. ``balance_integers`` is a shortest path over the
net charge (dynamic programming): every group takes one of its integer states.
``balance_fractions`` is the linear relaxation of the same problem: groups move along the lower
convex hull of their costs, cheapest step first, until the cell is neutral; the last step may
be taken in part and is then a mixed valence. It is the multiple-choice knapsack relaxation of
Sinha and Zoltners, 10.1287/opre.27.3.503.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

INTEGER_TOLERANCE = 1e-4
LARGEST_CHARGE_RANGE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Atoms that share one state.

    Attributes:
        weight: number of atoms, occupancy-weighted.
        charges: possible charges in e, ascending.
        costs: cost of each charge per atom, ln units.
    """

    weight: float
    charges: tuple[float, ...]
    costs: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Charges of the groups.

    Attributes:
        charges: e, one per group.
        cost: total cost, ln units; ``inf`` where no neutral choice exists.
        net_charge: e, what is left; zero within rounding where ``cost`` is finite.
    """

    charges: tuple[float, ...]
    cost: float
    net_charge: float


def balance_fractions(groups: Sequence[Group]) -> Balance:
    """Find the cheapest neutral average states.

    Where neutrality is out of reach the groups end at the limit nearest to it, with infinite
    cost and the net charge that is left.
    """
    charges = [g.charges[int(np.argmin(g.costs))] for g in groups]
    cost = sum(g.weight * min(g.costs) for g in groups)
    net = sum(g.weight * q for g, q in zip(groups, charges, strict=True))
    rising = net < 0
    steps = sorted(
        (slope, order, k, end)
        for k, g in enumerate(groups)
        for order, (slope, end) in enumerate(_hull_steps(g, rising=rising))
    )
    for slope, _, k, end in steps:
        if abs(net) < 1e-9:
            break
        weight = groups[k].weight
        wanted = -net / weight
        step = end - charges[k]
        step = wanted if abs(wanted) < abs(step) else step
        charges[k] += step
        cost += weight * abs(step) * slope
        net += weight * step
    cost = cost if abs(net) < 1e-9 else float("inf")
    return Balance(charges=tuple(charges), cost=cost, net_charge=net)


def _hull_steps(group: Group, *, rising: bool) -> list[tuple[float, float]]:
    """Steps along the convex hull away from the cheapest state: (cost per charge, end)."""
    start = int(np.argmin(group.costs))
    path = list(range(start, len(group.charges)) if rising else range(start, -1, -1))
    steps: list[tuple[float, float]] = []
    while len(path) > 1:
        here = path[0]
        slopes = [
            (group.costs[k] - group.costs[here]) / abs(group.charges[k] - group.charges[here])
            for k in path[1:]
        ]
        best = int(np.argmin(slopes)) + 1
        steps.append((slopes[best - 1], group.charges[path[best]]))
        path = path[best:]
    return steps


def balance_integers(groups: Sequence[Group]) -> Balance:
    """Find the cheapest neutral choice of one listed state per group.

    Needs whole-numbered total charges of every group; where they are not, where the range is
    too large or where no choice is neutral, the cost is infinite.
    """
    fixed = [g.charges[0] if len(g.charges) == 1 else None for g in groups]
    target = -sum(g.weight * q for g, q in zip(groups, fixed, strict=True) if q is not None)
    varied = [g for g in groups if len(g.charges) > 1]
    shifts = [[g.weight * q for q in g.charges] for g in varied]
    flat = np.array([target, *(s for row in shifts for s in row)])
    span = sum(max(row) - min(row) for row in shifts)
    whole = np.abs(flat - np.round(flat)).max() < INTEGER_TOLERANCE
    if not whole or span > LARGEST_CHARGE_RANGE:
        return _impossible(groups)
    low = round(sum(min(row) for row in shifts))
    goal = round(target) - low
    if not 0 <= goal <= round(span):
        return _impossible(groups)
    picks, cost = _shortest_path(varied, shifts, goal)
    if picks is None:
        return _impossible(groups)
    chosen = iter(g.charges[k] for g, k in zip(varied, picks, strict=True))
    charges = tuple(q if q is not None else next(chosen) for q in fixed)
    net = sum(g.weight * q for g, q in zip(groups, charges, strict=True))
    fixed_cost = sum(
        g.weight * g.costs[0] for g, q in zip(groups, fixed, strict=True) if q is not None
    )
    return Balance(charges=charges, cost=cost + fixed_cost, net_charge=net)


def _shortest_path(
    groups: Sequence[Group], shifts: Sequence[Sequence[float]], goal: int
) -> tuple[list[int] | None, float]:
    """Pick states whose shifts above the lowest add up to ``goal``; the pick of each group."""
    best = np.full(goal + 1, np.inf)
    best[0] = 0.0
    choices: list[NDArray[np.int8]] = []
    for group, row in zip(groups, shifts, strict=True):
        steps = [round(s - min(row)) for s in row]
        following = np.full(goal + 1, np.inf)
        choice = np.zeros(goal + 1, dtype=np.int8)
        for k, (step, cost) in enumerate(zip(steps, group.costs, strict=True)):
            if step > goal:
                continue
            reached = best[: goal + 1 - step] + group.weight * cost
            better = reached < following[step:]
            following[step:][better] = reached[better]
            choice[step:][better] = k
        best = following
        choices.append(choice)
    if not np.isfinite(best[goal]):
        return None, float("inf")
    return _trace_back(choices, shifts, goal), float(best[goal])


def _trace_back(
    choices: Sequence[NDArray[np.int8]], shifts: Sequence[Sequence[float]], goal: int
) -> list[int]:
    """Follow the choices back from the goal."""
    picks: list[int] = []
    position = goal
    for choice, row in zip(reversed(choices), reversed(shifts), strict=True):
        k = int(choice[position])
        picks.append(k)
        position -= round(row[k] - min(row))
    return picks[::-1]


def _impossible(groups: Sequence[Group]) -> Balance:
    return Balance(charges=(0.0,) * len(groups), cost=float("inf"), net_charge=float("nan"))
