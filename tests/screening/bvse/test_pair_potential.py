"""Every pair potential gives the same energy and derivatives to grids and to kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from dualion.screening.bvse._pair_kernel import radial
from dualion.screening.bvse.pair_potential import KernelRow, kernel_rows
from dualion.screening.bvse.potential import CoulombPair, MorsePair
from dualion.structures.errors import InputError

PAIRS = [
    MorsePair(depth_ev=0.6, alpha_per_angstrom=1.7, r_min_angstrom=2.4),
    CoulombPair(strength_ev_angstrom=7.2, screening_length_angstrom=1.9),
]


@dataclass(frozen=True)
class Unknown:
    """A pair potential that no kernel knows."""

    kind: float = 7.0

    def energy_ev(self, r_angstrom):
        return np.zeros_like(r_angstrom)

    def radial_derivatives(self, r_angstrom, order):
        return np.zeros(order + 1)

    def kernel_row(self) -> KernelRow:
        return self.kind, 0.0, 0.0, 0.0


@pytest.mark.parametrize("pair", PAIRS, ids=["morse", "coulomb"])
@pytest.mark.parametrize("r", [1.1, 2.4, 5.0])
def test_the_kernel_and_the_class_agree(pair, r):
    """E, E' = r D₁ and E'' = D₁ + r² D₂ with Dₙ = ((1/r) d/dr)ⁿ E."""
    energy, first, second = radial(kernel_rows([pair])[0], r)
    d = pair.radial_derivatives(r, 2)
    assert energy == pytest.approx(pair.energy_ev(np.array([r]))[0], rel=1e-12)
    assert first == pytest.approx(r * d[1], rel=1e-9)
    assert second == pytest.approx(d[1] + r**2 * d[2], rel=1e-9)


def test_the_morse_minimum_is_its_depth():
    pair = PAIRS[0]
    energy, first, second = radial(kernel_rows([pair])[0], pair.r_min_angstrom)
    assert (energy, first) == pytest.approx((-0.6, 0.0))
    assert second == pytest.approx(2.0 * 0.6 * 1.7**2)  # 2 D α²


def test_an_unknown_kind_is_refused_and_never_computed():
    with pytest.raises(InputError, match=r"no kind 7 of pair potential \(Unknown\)"):
        kernel_rows([*PAIRS, Unknown()])
    assert np.isnan(radial(np.array([7.0, 1.0, 1.0, 1.0]), 2.0)).all()


def test_no_pairs_give_no_rows():
    assert kernel_rows([]).shape == (0, 4)
