"""Arrhenius fits."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.transport.arrhenius import arrhenius
from dualion.structures.errors import InputError


def test_arrhenius_recovers_a_barrier_and_its_interval() -> None:
    rng = np.random.default_rng(9)
    temperatures = np.array([500.0, 600.0, 700.0, 800.0, 1000.0])
    kt = 8.617333e-5 * temperatures
    truth = 2e-3 * np.exp(-0.35 / kt)
    inside_energy, inside_room = 0, 0
    for _ in range(300):
        d = truth * np.exp(0.1 * rng.normal(size=5))
        fit = arrhenius(temperatures.tolist(), d.tolist(), (0.1 * d).tolist())
        inside_energy += fit.low_ev <= 0.35 <= fit.high_ev
        _, low, high = fit.predict(300.0)
        inside_room += low[0] <= 2e-3 * np.exp(-0.35 / (8.617333e-5 * 300.0)) <= high[0]
    assert inside_energy / 300 > 0.92
    assert inside_room / 300 > 0.92


def test_arrhenius_leaves_out_what_is_not_resolved() -> None:
    fit = arrhenius([400.0, 600.0, 800.0], [1e-8, 1e-6, 1e-5], [2e-8, 1e-7, 1e-6])
    assert fit.left_out_k == (400.0,)
    assert "two_temperatures" in fit.flags
    with pytest.raises(InputError, match="two temperatures"):
        arrhenius([400.0, 600.0], [1e-8, 1e-6], [2e-8, 1e-7])


def test_two_temperatures_give_the_slope_between_them_with_propagated_errors() -> None:
    """E = k ln(D₂/D₁)/(1/T₁ − 1/T₂); its error is that of two logarithms, 1.96 of it each way."""
    fit = arrhenius([500.0, 1000.0], [1e-7, 1e-5], [1e-8, 2e-6])
    gap = 1.0 / 500.0 - 1.0 / 1000.0
    assert fit.activation_energy_ev == pytest.approx(8.617333e-5 * np.log(100.0) / gap)
    assert fit.error_ev == pytest.approx(8.617333e-5 * np.hypot(0.1, 0.2) / gap)
    assert fit.high_ev - fit.activation_energy_ev == pytest.approx(1.959964 * fit.error_ev)
    assert fit.activation_energy_ev - fit.low_ev == pytest.approx(1.959964 * fit.error_ev)
    assert np.isnan(fit.reduced_chi2)
    middle, low, high = fit.predict([500.0, 1000.0])
    np.testing.assert_allclose(middle, [1e-7, 1e-5])
    np.testing.assert_allclose(np.log(high / middle), 1.959964 * np.array([0.1, 0.2]), rtol=1e-6)
    np.testing.assert_allclose(high / middle, middle / low)


def test_points_off_the_line_widen_the_interval_by_students_law() -> None:
    """Four points with errors far under their scatter: numpy's own covariance, t of two degrees."""
    temperatures, d = [500.0, 600.0, 750.0, 1000.0], np.array([1.0, 9.0, 20.0, 160.0]) * 1e-7
    fit = arrhenius(temperatures, d.tolist(), (0.01 * d).tolist())
    line, covariance = np.polyfit(-1.0 / np.array(temperatures), np.log(d), 1, cov=True)
    assert fit.activation_energy_ev == pytest.approx(8.617333e-5 * line[0])
    assert fit.error_ev == pytest.approx(8.617333e-5 * np.sqrt(covariance[0, 0]))
    assert fit.high_ev - fit.activation_energy_ev == pytest.approx(4.302653 * fit.error_ev)
    assert fit.flags == ()


def test_points_that_lie_on_the_line_keep_their_own_errors() -> None:
    temperatures = np.array([500.0, 600.0, 750.0, 1000.0])
    d = 1e-3 * np.exp(-0.3 / (8.617333e-5 * temperatures))
    fit = arrhenius(temperatures.tolist(), d.tolist(), (0.1 * d).tolist())
    inverse = 1.0 / temperatures
    error = 8.617333e-5 * 0.1 / np.sqrt(((inverse - inverse.mean()) ** 2).sum())
    assert fit.error_ev == pytest.approx(error)
    assert fit.high_ev - fit.low_ev == pytest.approx(2.0 * 1.959964 * error)
    assert fit.reduced_chi2 == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("d", [0.0, -1e-7, np.nan, np.inf])
def test_a_point_without_a_positive_d_is_left_out_and_named(d: float) -> None:
    fit = arrhenius([400.0, 600.0, 800.0], [d, 1e-6, 1e-5], [1e-9, 1e-7, 1e-6])
    assert fit.left_out_k == (400.0,)
    assert fit.temperatures_k.tolist() == [600.0, 800.0]
    # an error as large as the number resolves nothing
    assert arrhenius([400.0, 600.0, 800.0], [1e-8, 1e-6, 1e-5], [1e-8, 1e-7, 1e-6]).left_out_k


@pytest.mark.parametrize("error", [0.0, -1e-9, 1e-8, np.nan])
def test_a_point_whose_error_tells_nothing_is_left_out(error: float) -> None:
    fit = arrhenius([400.0, 600.0, 800.0], [1e-8, 1e-6, 1e-5], [error, 1e-7, 1e-6])
    assert fit.left_out_k == (400.0,)


def test_temperatures_must_be_positive_and_lists_of_one_length() -> None:
    with pytest.raises(InputError, match="one positive temperature"):
        arrhenius([0.0, 600.0, 800.0], [1e-8, 1e-6, 1e-5], [1e-9, 1e-7, 1e-6])
    with pytest.raises(InputError, match="one positive temperature"):
        arrhenius([400.0, 600.0], [1e-8, 1e-6, 1e-5], [1e-9, 1e-7, 1e-6])
    with pytest.raises(InputError, match="one positive temperature"):
        arrhenius([400.0, 600.0], [1e-8, 1e-6], [1e-9, 1e-7, 1e-6])
    with pytest.raises(InputError, match="; 1 has one"):
        arrhenius([600.0, 600.0], [1e-6, 1.1e-6], [1e-7, 1e-7])


@pytest.mark.parametrize(("off", "wide"), [(1.02, True), (0.98, False)])
def test_errors_are_scaled_from_a_reduced_chi2_of_one(off: float, wide: bool) -> None:
    """Three even points, the middle one off the line by δ errors: χ² = 2/3 δ²."""
    inverse = np.array([1.0e-3, 1.5e-3, 2.0e-3])
    log_d = -12.0 - 3000.0 * inverse
    log_d[1] += 0.1 * off * np.sqrt(1.5)
    fit = arrhenius(
        (1.0 / inverse).tolist(), np.exp(log_d).tolist(), (0.1 * np.exp(log_d)).tolist()
    )
    assert fit.reduced_chi2 == pytest.approx(off**2)
    assert fit.quantile == pytest.approx(12.7062 if wide else 1.959964, rel=1e-5)
    plain = 8.617333e-5 * 0.1 / np.sqrt(((inverse - inverse.mean()) ** 2).sum())
    assert fit.error_ev == pytest.approx(plain * (off if wide else 1.0))
    assert fit.ln_d0 == pytest.approx(-12.0 + 0.1 * off * np.sqrt(1.5) / 3.0)
