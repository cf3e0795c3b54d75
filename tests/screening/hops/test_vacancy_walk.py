"""Tracer diffusion by a vacancy: known correlation factors, rates and detailed balance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.constants import physical_constants

from dualion.screening.hops import vacancy_walk
from dualion.screening.hops.hop_list import HopList, hops_of
from dualion.screening.hops.sublattice import sublattice_of
from dualion.screening.hops.vacancy_walk import (
    BOLTZMANN_EV_K,
    block_repeats,
    diffusion_by_vacancy,
)
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
            temperature_k=300.0, seed=0,
        )  # fmt: skip


def test_numbers_are_means_and_standard_errors_of_the_walks(monkeypatch):
    """Einstein: each walk has D = Σ R² / 2t, in cm²/s, and f = Σ R² over the sum of its jumps."""
    rng = np.random.default_rng(7)
    times, carried = rng.uniform(1.0, 2.0, 5), rng.uniform(1.0, 9.0, (5, 3, 3))
    single = rng.uniform(10.0, 20.0, (5, 3, 3))
    walks = iter(zip(times, carried, single, strict=True))
    monkeypatch.setattr(vacancy_walk._walk_kernel, "walk", lambda *_: next(walks))
    found = diffusion_by_vacancy(
        CELLS["sc"], np.zeros((1, 3)), lattice_hops(CELLS["sc"]), np.array([0.3]), np.zeros(1),
        temperature_k=600.0, seed=0, replicas=5,
    )  # fmt: skip
    tensors = carried / (2.0 * times[:, None, None]) * 1e-16
    traces = tensors.trace(axis1=1, axis2=2) / 3.0
    factors = carried.trace(axis1=1, axis2=2) / single.trace(axis1=1, axis2=2)
    assert found.tensor_cm2_s == pytest.approx(tensors.mean(axis=0))
    assert found.tensor_error_cm2_s == pytest.approx(stats.sem(tensors, axis=0))
    assert (found.d_cm2_s, found.d_error_cm2_s) == pytest.approx((traces.mean(), stats.sem(traces)))
    assert found.correlation == pytest.approx(factors.mean())
    assert found.correlation_error == pytest.approx(stats.sem(factors))


def test_the_kernel_is_given_every_jump_with_its_rate(monkeypatch):
    """ν exp(−climb/kT) both ways; a saddle below an end counts as that end, a closed one not."""
    taken = []
    monkeypatch.setattr(
        vacancy_walk._walk_kernel, "walk", lambda *a: taken.append(a) or (1.0, np.eye(3), np.eye(3))
    )
    hops = HopList(
        near=np.array([0, 1, 0]), far=np.array([1, 0, 0]),
        cells=np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0)]), lengths_angstrom=np.ones(3),
        kinds=np.arange(3), chosen=np.arange(3),
    )  # fmt: skip
    frac = np.array([[0.0, 0.0, 0.0], [0.4, 0.0, 0.0]])
    diffusion_by_vacancy(
        5.0 * np.eye(3), frac, hops, np.array([0.05, 0.4, np.inf]), np.array([0.0, 0.1]),
        temperature_k=700.0, seed=0, attempts_hz=2e12, replicas=2,
    )  # fmt: skip
    begins, ends, offsets, vectors, sums, repeats, jumps, _ = taken[0]
    assert begins.tolist() == [0, 2, 4]
    assert ends.tolist() == [1, 1, 0, 0]
    assert offsets.tolist() == [[0, 0, 0], [-1, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert vectors[:, 0] == pytest.approx([2.0, -3.0, 3.0, -2.0])
    climbs = np.array([0.1, 0.4, 0.3, 0.0])  # the first saddle counts as 0.1 eV, its higher end
    rates = 2e12 * np.exp(-climbs / (physical_constants["Boltzmann constant in eV/K"][0] * 700.0))
    assert sums == pytest.approx([rates[0], rates[:2].sum(), rates[2], rates[2:].sum()])
    assert jumps == 100 * 2 * repeats.prod()
    assert len(taken) == 2


@pytest.mark.parametrize(
    ("edges", "sites", "repeats"),
    [
        ((3.0, 3.0, 3.0), 1, (16, 16, 16)),  # ∛4000 = 15.9
        ((3.0, 6.0, 12.0), 2, (26, 13, 7)),  # a cube of 75.6 Å
        ((2.0, 2.0, 90.0), 1, (57, 57, 4)),  # at least four cells: 112.9 Å along c would be two
        ((9.0, 9.0, 9.0), 15_625, (4, 4, 4)),  # a million sites, the most
    ],
)
def test_the_block_is_near_a_cube_of_four_thousand_sites(edges, sites, repeats):
    assert tuple(block_repeats(np.diag(edges), sites).tolist()) == repeats


def test_a_block_of_more_than_a_million_sites_is_refused():
    with pytest.raises(InputError, match="15626 sites"):
        block_repeats(9.0 * np.eye(3), 15_626)


@pytest.mark.parametrize(
    "wrong", [{"temperature_k": 0.0}, {"attempts_hz": 0.0}, {"replicas": 1}], ids=str
)
def test_senseless_numbers_are_refused(wrong):
    asked = {"temperature_k": 300.0, "attempts_hz": 1e13, "replicas": 2} | wrong
    with pytest.raises(InputError, match="two replicas"):
        diffusion_by_vacancy(
            CELLS["sc"], np.zeros((1, 3)), lattice_hops(CELLS["sc"]), np.array([0.3]), np.zeros(1),
            seed=0, **asked,
        )  # fmt: skip
