"""Charges of the elements of a run, by the usual valence or by the user."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.transport.collective.charges import formal_charges

GAMMA = ("Li",) * 6 + ("P",) * 2 + ("S",) * 8
"""Two formula units of Li3PS4."""


def test_a_neutral_cell_has_no_flag() -> None:
    charges, flags = formal_charges(GAMMA, {})
    assert charges == {"Li": 1.0, "P": 5.0, "S": -2.0}
    assert flags == ()


@pytest.mark.parametrize("symbols", [GAMMA[1:], (*GAMMA, "Li")])
def test_a_cell_with_an_ion_too_few_or_too_many_is_not_neutral(symbols: tuple[str, ...]) -> None:
    assert formal_charges(symbols, {})[1] == ("charges_not_neutral",)


def test_given_charges_win_and_rounding_is_no_charge() -> None:
    charges, flags = formal_charges(GAMMA, {"P": 1.8, "S": -1.2})
    assert charges == {"Li": 1.0, "P": 1.8, "S": -1.2}
    assert flags == ()
    # Born charges of a fit: 0.0008 e an atom is rounding, 0.0012 e is not.
    assert formal_charges(("Na", "Cl"), {"Na": 1.0016})[1] == ()
    assert formal_charges(("Na", "Cl"), {"Na": 1.0024})[1] == ("charges_not_neutral",)


def test_an_element_without_a_usual_valence_has_none() -> None:
    charges, flags = formal_charges(("Li", "Fe", "O"), {})
    assert np.isnan(charges["Fe"])
    assert flags == ("charges_unknown",)
    assert formal_charges(("Li", "Fe", "O", "O"), {"Fe": 3.0})[1] == ()
