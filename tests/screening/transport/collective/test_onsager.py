"""Conductivity and transport numbers of simulated ions whose transport is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from walks import STEP_PS, gaussian_walk

from dualion.screening.transport.collective.onsager import transport
from dualion.screening.transport.self_diffusion.coefficient import diffusion
from dualion.structures.errors import InputError


def test_transport_numbers_with_imposed_correlation_are_unbiased() -> None:
    rng = np.random.default_rng(13)
    shared, found, covered = 0.1, [], []
    errors, entries = [], []
    cation, anion = 20, 10
    own = np.array([cation * 0.3**2, anion * 0.2**2])
    pull = np.array([cation * shared, anion * 0.5 * shared])
    # J = ±Σ r: variances, and a covariance that the shared force imposes.
    cc, aa, ca = own[0] + pull[0] ** 2, own[1] + pull[1] ** 2, -pull[0] * pull[1]
    truth = (cc + ca) / (cc + aa + 2.0 * ca)
    for _ in range(80):
        force = shared * rng.normal(size=(500, 1, 3))
        lithium = np.cumsum(0.3 * rng.normal(size=(500, cation, 3)) + force, axis=0)
        iodide = np.cumsum(0.2 * rng.normal(size=(500, anion, 3)) + 0.5 * force, axis=0)
        result = transport(
            {"Li": lithium, "I": iodide},
            {"Li": 1.0, "I": -1.0},
            STEP_PS,
            volume_cubic_angstrom=1000.0,
            temperature_k=600.0,
        )
        number = result.numbers[0]
        found.append(number.value)
        covered.append(number.low <= truth <= number.high)
        errors.append([number.error, *result.onsager_error_s_cm[[0, 0, 1], [0, 1, 1]]])
        entries.append([number.value, *result.onsager_s_cm[[0, 0, 1], [0, 1, 1]]])
        assert result.cation_number.value + result.anion_number.value == pytest.approx(1.0)
        assert result.onsager_s_cm.sum() == pytest.approx(result.conductivity_s_cm.value, rel=1e-9)
    assert np.mean(found) == pytest.approx(truth, abs=3.5 * np.std(found) / np.sqrt(80))
    assert 0.87 <= np.mean(covered) <= 1.0
    # An error is what the numbers scatter by from run to run; 80 runs know that to a tenth.
    np.testing.assert_allclose(np.median(errors, axis=0), np.std(entries, axis=0), rtol=0.4)


def test_independent_ions_have_haven_ratio_one_and_the_textbook_conductivity() -> None:
    rng = np.random.default_rng(14)
    walk = gaussian_walk(rng, 3000, 8, 0.1)
    d = diffusion(walk, STEP_PS, species="Li")
    result = transport(
        {"Li": walk},
        {"Li": 1.0},
        STEP_PS,
        volume_cubic_angstrom=800.0,
        temperature_k=500.0,
        diffusions=[d],
    )
    # σ = n e² D / (V k T) with n/V = 1e28 /m³, D = 5e-6 cm²/s.
    textbook = 1e28 * 1.602176634e-19**2 * 5e-10 / (1.380649e-23 * 500.0) / 100.0
    assert result.nernst_einstein_s_cm.value == pytest.approx(textbook, rel=0.05)
    sigma = result.conductivity_s_cm
    assert sigma.low < textbook < sigma.high
    assert result.haven_ratio.low < 1.0 < result.haven_ratio.high


def test_shares_of_the_einstein_conductivity_have_the_error_of_both_coefficients() -> None:
    """The error of a/(a + b) by drawing a and b from their errors."""
    rng = np.random.default_rng(16)
    groups = {"Li": gaussian_walk(rng, 60, 4), "I": gaussian_walk(rng, 60, 4, 0.2)}
    cation, anion = (
        dataclasses.replace(diffusion(walk, STEP_PS, species=name), d_cm2_s=d, error_cm2_s=error)
        for (name, walk), d, error in zip(groups.items(), (3e-6, 1e-6), (2e-7, 1.5e-7), strict=True)
    )
    found = transport(
        groups,
        {"Li": 1.0, "I": -1.0},
        STEP_PS,
        volume_cubic_angstrom=500.0,
        temperature_k=600.0,
        diffusions=[cation, anion],
    ).einstein_numbers
    drawn = rng.normal(3e-6, 2e-7, 20_000), rng.normal(1e-6, 1.5e-7, 20_000)
    shares = drawn[0] / (drawn[0] + drawn[1])
    assert [share.value for share in found] == pytest.approx([0.75, 0.25])
    assert [share.error for share in found] == pytest.approx([np.std(shares)] * 2, rel=0.05)
    assert found[0].low == pytest.approx(np.quantile(shares, 0.025), abs=0.01)
    assert found[0].high == pytest.approx(np.quantile(shares, 0.975), abs=0.01)


def test_what_is_not_known_says_so() -> None:
    rng = np.random.default_rng(15)
    short = transport(
        {"Li": gaussian_walk(rng, 25, 3), "I": gaussian_walk(rng, 25, 3)},
        {"Li": 1.0, "I": -1.0},
        STEP_PS,
        volume_cubic_angstrom=500.0,
        temperature_k=600.0,
    )
    vague = [n for n in short.numbers if n.error >= abs(n.value)]
    assert all(n.text().startswith("not resolved") for n in vague)
    with pytest.raises(InputError, match="temperature"):
        transport(
            {"Li": gaussian_walk(rng, 30, 3)},
            {"Li": 1.0},
            STEP_PS,
            volume_cubic_angstrom=500.0,
            temperature_k=0.0,
        )
    tiny = diffusion(gaussian_walk(rng, 3, 2), STEP_PS)
    assert tiny.verdict == "not resolved"
    assert np.isnan(tiny.d_cm2_s)
    assert np.isinf(tiny.error_cm2_s)
