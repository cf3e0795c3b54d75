"""Tracer diffusion by a vacancy: known correlation factors, rates and detailed balance."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.hops.hop_list import HopList, hops_of
from dualion.screening.hops.sublattice import sublattice_of
from dualion.screening.hops.vacancy_walk import BOLTZMANN_EV_K, diffusion_by_vacancy
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError

CELLS = {
    "sc": np.eye(3) * 3.0,
    "fcc": np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) * 2.0,
    "bcc": np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) * 2.0,
}
COORDINATION = {"sc": 6, "fcc": 12, "bcc": 8}


def lattice_hops(cell):
    crystal = IonicCrystal(
        cell=cell, frac=np.zeros((1, 3)), numbers=np.array([3]), charges=np.ones(1),
        occupancies=np.ones(1),
    )  # fmt: skip
    return hops_of(sublattice_of(crystal, MobileIon(3, 1.0)), stretch=1.0)


@pytest.mark.parametrize(
    ("name", "factor"),
    [("sc", 0.65311), ("fcc", 0.78146), ("bcc", 0.72719)],  # Montet, Phys. Rev. B 7, 650 (1973)
)
def test_correlation_factors_and_rates_of_the_cubic_lattices(name, factor):
    hops = lattice_hops(CELLS[name])
    assert 2 * len(hops.near) == COORDINATION[name]
    found = diffusion_by_vacancy(
        CELLS[name], np.zeros((1, 3)), hops, np.array([0.3]), np.zeros(1), temperature_k=600.0,
        seed=1,
    )  # fmt: skip
    assert found.correlation == pytest.approx(factor, abs=0.006)
    assert found.correlation_error < 0.004
    # D over the vacancy fraction is f z Γ λ² / 6 (Mehrer, Diffusion in Solids, eq. 4.28 and 6.10).
    rate = 1e13 * np.exp(-0.3 / (BOLTZMANN_EV_K * 600.0))
    length = hops.lengths_angstrom[0] * 1e-8
    expected = factor * COORDINATION[name] * rate * length**2 / 6.0
    assert found.d_cm2_s == pytest.approx(expected, rel=0.01)
    np.testing.assert_allclose(found.tensor_cm2_s, np.eye(3) * found.d_cm2_s, atol=0.05 * expected)


def test_in_a_chain_of_deep_and_shallow_sites_the_vacancy_rests_in_the_deep_one():
    """Two sites in a row along each axis: the rate of the pair follows from detailed balance."""
    hops = HopList(
        near=np.array([0, 1]), far=np.array([1, 0]), cells=np.array([(0, 0, 0), (1, 0, 0)]),
        lengths_angstrom=np.array([2.0, 2.0]), kinds=np.arange(2), chosen=np.arange(2),
    )  # fmt: skip
    frac = np.array([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]])
    kwargs = {"temperature_k": 500.0, "seed": 2}
    flat = diffusion_by_vacancy(
        np.eye(3) * 4.0, frac, hops, np.array([0.4, 0.4]), np.array([0.0, 0.0]), **kwargs
    )
    deep = diffusion_by_vacancy(
        np.eye(3) * 4.0, frac, hops, np.array([0.4, 0.4]), np.array([0.0, 0.1]), **kwargs
    )
    shares = np.exp(-np.array([0.0, 0.1]) / (BOLTZMANN_EV_K * 500.0))
    # Jumps of the walk are the same; only the time differs, by the mean occupation of a site.
    assert deep.d_cm2_s / flat.d_cm2_s == pytest.approx(1.0 / shares.mean(), rel=0.01)
    assert deep.tensor_cm2_s[1, 1] == deep.tensor_cm2_s[2, 2] == 0.0


def test_a_closed_network_is_refused():
    hops = lattice_hops(CELLS["sc"])
    with pytest.raises(InputError, match="no open hop"):
        diffusion_by_vacancy(
            CELLS["sc"], np.zeros((1, 3)), hops, np.array([np.inf]), np.zeros(1),
            temperature_k=300.0,
        )  # fmt: skip
