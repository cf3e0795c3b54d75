"""Ions in words and numbers."""

from __future__ import annotations

import pytest

from dualion.screening.ions import MobileIon
from dualion.structures.errors import InputError


@pytest.mark.parametrize(
    ("text", "number", "charge"),
    [("Li+", 3, 1), ("Li1+", 3, 1), ("S2-", 16, -2), ("Zn+2", 30, 2), ("I-", 53, -1)],
)
def test_ions_are_read(text, number, charge):
    assert MobileIon.parse(text) == MobileIon(number, charge)


@pytest.mark.parametrize("text", ["", "Li", "2+", "Li++", "Qq+", "Li2+3"])
def test_what_is_no_ion_is_refused(text):
    with pytest.raises(InputError):
        MobileIon.parse(text)


@pytest.mark.parametrize(
    ("charge", "text"),
    [(-2.0, "O2-"), (-1.975, "O2-"), (-1.0, "O-"), (-1.004, "O-"), (-0.5, "O0.5-"), (2.5, "O2.5+")],
)
def test_fractional_charges_are_short_in_names(charge, text):
    assert str(MobileIon(8, charge)) == text
