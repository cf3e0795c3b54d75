"""Conductivity and transport numbers of simulated ions whose transport is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from walks import STEP_PS, gaussian_walk

from dualion.screening.transport.collective.onsager import _withdraw_negative, transport
from dualion.screening.transport.measured import Measured
from dualion.screening.transport.self_diffusion.coefficient import diffusion
from dualion.screening.transport.self_diffusion.slope import fit_slope
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
    d = dataclasses.replace(diffusion(walk, STEP_PS, species="Li"), verdict="diffusing")
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
        dataclasses.replace(
            diffusion(walk, STEP_PS, species=name),
            d_cm2_s=d,
            error_cm2_s=error,
            verdict="diffusing",
        )
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


def run_of(positions: dict[str, np.ndarray], **changes: object):
    options: dict[str, object] = {"volume_cubic_angstrom": 500.0, "temperature_k": 600.0}
    return transport(positions, {"Li": 1.0, "I": -1.0}, STEP_PS, **(options | changes))


def pair_of_walks(seed: int, frames: int = 400) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"Li": gaussian_walk(rng, frames, 6), "I": gaussian_walk(rng, frames, 4, 0.2)}


def test_where_the_origin_lies_changes_nothing() -> None:
    walks = pair_of_walks(20)
    here = run_of(walks)
    there = run_of({name: walk + np.array([30.0, -70.0, 11.0]) for name, walk in walks.items()})
    np.testing.assert_allclose(there.onsager_s_cm, here.onsager_s_cm, rtol=1e-9)
    assert there.conductivity_s_cm.error == pytest.approx(here.conductivity_s_cm.error)
    still = run_of({"Li": np.full((30, 3, 3), 5.0), "I": np.full((30, 2, 3), 5.0)})
    assert still.flags == ("no_motion",)


def test_an_earliest_time_in_ps_moves_the_start_of_the_window() -> None:
    walks = pair_of_walks(21)
    assert run_of(walks).window_ps[0] < 1.0
    assert run_of(walks, earliest_ps=3.0).window_ps[0] >= 3.0


def test_intervals_hold_their_value_and_scale_with_the_conductivity() -> None:
    """σ is per volume and per kT: half the volume and half the temperature give four times it."""
    walks = pair_of_walks(22)
    one = run_of(walks).conductivity_s_cm
    four = run_of(walks, volume_cubic_angstrom=250.0, temperature_k=300.0).conductivity_s_cm
    assert one.low < one.value < one.high
    for name in ("value", "error", "low", "high"):
        assert getattr(four, name) == pytest.approx(4.0 * getattr(one, name))


def test_the_einstein_conductivity_has_the_summed_error_of_its_parts() -> None:
    """n q² D/(V k T) of each group; errors of independent parts add as squares."""
    walks = pair_of_walks(23, 60)
    cation, anion = (
        dataclasses.replace(
            diffusion(walks[name], STEP_PS, species=name),
            d_cm2_s=d,
            error_cm2_s=e,
            verdict="diffusing",
        )
        for name, d, e in (("Li", 3e-6, 2e-7), ("I", 1e-6, 1.5e-7))
    )
    found = run_of(walks, diffusions=[cation, anion])
    per_ion = 1.602176634e-19**2 / (500e-30 * 1.380649e-23 * 600.0) * 1e-6
    value = per_ion * (6 * 3e-6 + 4 * 1e-6)
    error = per_ion * np.hypot(6 * 2e-7, 4 * 1.5e-7)
    einstein = found.nernst_einstein_s_cm
    assert (einstein.value, einstein.error) == (pytest.approx(value), pytest.approx(error))
    assert einstein.low == pytest.approx(value - 1.96 * error)
    assert einstein.high == pytest.approx(value + 1.96 * error)
    haven, sigma = found.haven_ratio, found.conductivity_s_cm
    assert haven.value == pytest.approx(value / sigma.value)
    assert haven.low < haven.value < haven.high


def test_one_unknown_coefficient_leaves_the_sum_unknown() -> None:
    walks = pair_of_walks(24, 60)
    found = run_of(walks, diffusions=[diffusion(walks["Li"], STEP_PS, species="Li")])
    assert np.isnan(found.nernst_einstein_s_cm.value)
    assert np.isnan(found.haven_ratio.value)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"volume_cubic_angstrom": 0.0}, "volume"),
        ({"volume_cubic_angstrom": -1.0}, "volume"),
        ({"temperature_k": -5.0}, "temperature"),
        ({"temperature_k": np.inf}, "temperature"),
    ],
)
def test_what_no_conductivity_has_is_refused(changes: dict[str, float], word: str) -> None:
    with pytest.raises(InputError, match=word):
        run_of(pair_of_walks(25, 30), **changes)


def test_twenty_frames_are_enough_and_nineteen_are_not() -> None:
    assert np.isfinite(run_of(pair_of_walks(26, 20)).conductivity_s_cm.value)
    with pytest.raises(InputError, match="19 frames"):
        run_of(pair_of_walks(26, 19))


def with_d(walk: np.ndarray, name: str, d: float, error: float, verdict: str, high: float = 9.0):
    """D of a group in 1e-6 cm²/s."""
    return dataclasses.replace(
        diffusion(walk, STEP_PS, species=name), d_cm2_s=d * 1e-6, error_cm2_s=error * 1e-6,
        high_cm2_s=high * 1e-6, verdict=verdict, one_jump_cm2_s=np.nan,
    )  # fmt: skip


def test_what_does_not_diffuse_adds_a_limit_and_what_turns_nothing() -> None:
    walks = pair_of_walks(27, 60) | {"S": gaussian_walk(np.random.default_rng(2), 60, 3)}
    unit = 1e-10 * 1.602176634e-19**2 / (500e-30 * 1.380649e-23 * 600.0) * 1e-2
    charges = {"Li": 1.0, "I": -1.0, "S": -2.0}

    def found(*verdicts: str, high: float = 9.0):
        parts = [
            with_d(walks[name], name, 2.0, 0.1, verdict, high)
            for name, verdict in zip(walks, verdicts, strict=True)
        ]
        return transport(
            walks, charges, STEP_PS, volume_cubic_angstrom=500.0, temperature_k=600.0,
            diffusions=parts,
        )  # fmt: skip

    one = found("diffusing", "vibrating", "rotating")
    assert one.nernst_einstein_s_cm.value == pytest.approx(6 * 2.0 * unit)
    limit = 4 * 9.0 * unit
    assert one.einstein_numbers[1].high == pytest.approx(limit / (12.0 * unit + limit))
    assert np.isnan(one.einstein_numbers[1].value)
    assert (one.einstein_numbers[1].low, one.einstein_numbers[2].high) == (0.0, 0.0)
    # A limit counts as two standard errors of the rest.
    sharp = found("diffusing", "vibrating", "rotating", high=1.0).einstein_numbers[0]
    assert (sharp.value, sharp.error) == (pytest.approx(1.0), pytest.approx(0.5 * 4.0 / 12.0))
    none = found("vibrating", "not resolved", "rotating").nernst_einstein_s_cm
    assert np.isnan(none.value) and none.error == np.inf and none.low == 0.0
    assert none.high == pytest.approx((6 + 4) * 9.0 * unit)
    assert found("diffusing", "ballistic", "rotating", high=np.inf).einstein_numbers[1].high == 1.0
    both = found("diffusing", "rotating", "diffusing")
    assert both.nernst_einstein_s_cm.value == pytest.approx((6 + 4.0 * 3) * 2.0 * unit)


def test_a_matrix_is_in_siemens_per_centimetre() -> None:
    """σ = (e Å)²/(2 Δt V k T) of the slope of ΔJ²/3."""
    walks = pair_of_walks(28)
    found = run_of(walks, earliest_ps=1.0)
    paths = {name: walk.sum(axis=1) for name, walk in walks.items()}
    total = paths["Li"] - paths["I"]
    start = round(found.window_ps[0] / STEP_PS)
    slope = fit_slope(
        lambda lag: ((total[lag:] - total[:-lag]) ** 2).sum(axis=1) / 3.0, start, len(total), 3
    )
    charge = 1.602176634e-19 * 1e-10
    unit = charge**2 / (2.0 * STEP_PS * 1e-12 * 500e-30 * 1.380649e-23 * 600.0) * 1e-2
    assert found.conductivity_s_cm.value == pytest.approx(slope.value * unit)
    assert found.onsager_s_cm.sum() == pytest.approx(slope.value * unit)
    assert found.window_ps[1] == pytest.approx(slope.lags[-1] * STEP_PS)
    assert found.onsager_error_s_cm.shape == (2, 2)
    assert (found.onsager_error_s_cm > 0.0).all()


def test_a_conductivity_under_zero_is_withdrawn_and_keeps_its_upper_end() -> None:
    low = Measured(value=-1.0, error=0.2, low=-1.4, high=-0.6)
    assert _withdraw_negative(low) == dataclasses.replace(low, error=np.inf)
    zero = Measured(value=0.0, error=0.2, low=0.1, high=0.6)
    assert _withdraw_negative(zero) == dataclasses.replace(zero, error=np.inf, low=0.0)
    high = Measured(value=1.0, error=0.2, low=0.6, high=1.4)
    assert _withdraw_negative(high) is high


def test_a_picometre_of_collective_motion_is_motion_and_rounding_is_none() -> None:
    walk = {"Li": np.zeros((30, 1, 3)), "I": np.zeros((30, 1, 3))}
    walk["Li"][:, 0] = 1e-10 * np.random.default_rng(1).random((30, 3))
    still = run_of(walk)
    assert still.flags == ("no_motion",)
    assert np.isnan(still.window_ps).all()
    assert np.isnan(still.onsager_s_cm).all() and np.isinf(still.onsager_error_s_cm).all()
    assert len(still.numbers) == len(still.einstein_numbers) == 2
    walk["Li"] *= 1e8
    assert "no_motion" not in run_of(walk).flags


@pytest.mark.parametrize(
    ("charges", "named"), [({"Li": 1.0}, "no charge for I"), ({}, "no charge for Li, I")]
)
def test_an_ion_without_a_charge_is_named(charges: dict[str, float], named: str) -> None:
    walks = {name: gaussian_walk(np.random.default_rng(3), 60, 4) for name in ("Li", "I")}
    given = {"volume_cubic_angstrom": 1000.0, "temperature_k": 600.0}
    with pytest.raises(InputError, match=named):
        transport(walks, charges, STEP_PS, **given)
    with pytest.raises(InputError, match="no charge for any ion"):
        transport({}, charges, STEP_PS, **given)
