"""The neutrality solvers against trying every combination and a linear programme."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from dualion.structures.oxidation.balance import Group, balance_fractions, balance_integers


@st.composite
def problems(draw: st.DrawFn) -> list[Group]:
    groups = []
    for _ in range(draw(st.integers(1, 5))):
        charges = draw(st.lists(st.integers(-4, 7), min_size=1, max_size=4, unique=True))
        costs = [draw(st.floats(0, 20)) for _ in charges]
        groups.append(
            Group(
                weight=float(draw(st.integers(1, 12))),
                charges=tuple(float(q) for q in sorted(charges)),
                costs=tuple(costs),
            )
        )
    return groups


def cheapest_by_trying_all(groups: list[Group]) -> float:
    best = np.inf
    for picks in itertools.product(*(range(len(g.charges)) for g in groups)):
        net = sum(g.weight * g.charges[k] for g, k in zip(groups, picks, strict=True))
        if abs(net) < 1e-9:
            cost = sum(g.weight * g.costs[k] for g, k in zip(groups, picks, strict=True))
            best = min(best, cost)
    return float(best)


def cheapest_by_linear_programme(groups: list[Group]) -> float:
    cost = [g.weight * c for g in groups for c in g.costs]
    charge = [g.weight * q for g in groups for q in g.charges]
    rows = [
        [float(k == m) for m, g in enumerate(groups) for _ in g.charges] for k in range(len(groups))
    ]
    found = linprog(cost, A_eq=[charge, *rows], b_eq=[0.0, *[1.0] * len(groups)])
    return float(found.fun) if found.success else float("inf")


@settings(max_examples=120, deadline=None)
@given(groups=problems())
def test_integers_match_trying_every_combination(groups: list[Group]) -> None:
    found = balance_integers(groups)
    expected = cheapest_by_trying_all(groups)
    assert found.cost == pytest.approx(expected)
    if np.isfinite(expected):
        net = sum(g.weight * q for g, q in zip(groups, found.charges, strict=True))
        assert abs(net) < 1e-9
        assert all(q in g.charges for g, q in zip(groups, found.charges, strict=True))


@settings(max_examples=120, deadline=None)
@given(groups=problems())
def test_fractions_match_a_linear_programme(groups: list[Group]) -> None:
    found = balance_fractions(groups)
    expected = cheapest_by_linear_programme(groups)
    assert found.cost == pytest.approx(expected, abs=1e-6)
    if np.isfinite(expected):
        net = sum(g.weight * q for g, q in zip(groups, found.charges, strict=True))
        assert abs(net) < 1e-8


def test_mixed_valence_is_one_fraction() -> None:
    groups = [
        Group(weight=1.0, charges=(1.0,), costs=(0.0,)),
        Group(weight=2.0, charges=(2.0, 3.0, 4.0), costs=(1.0, 1.2, 2.0)),
        Group(weight=4.0, charges=(-2.0,), costs=(0.0,)),
    ]
    assert balance_fractions(groups).charges == (1.0, 3.5, -2.0)
    assert balance_integers(groups).cost == float("inf")


def test_many_groups_stay_cheap() -> None:
    # 200 independent sites with 6 states each: 6^200 combinations, one pass
    costs = tuple(float(k * k) for k in range(6))
    groups = [Group(weight=1.0, charges=tuple(float(k) for k in range(2, 8)), costs=costs)] * 200
    groups = [*groups, Group(weight=250.0, charges=(-2.0,), costs=(0.0,))]
    found = balance_integers(groups)
    assert found.cost == pytest.approx(100.0)
