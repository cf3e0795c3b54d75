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
