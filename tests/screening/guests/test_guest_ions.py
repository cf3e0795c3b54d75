"""Which ion a guest is."""

from __future__ import annotations

import pytest

from dualion.screening.guests.guest_ions import guest_ion, guest_ions
from dualion.screening.ions import MobileIon
from dualion.structures.errors import InputError


@pytest.mark.parametrize(
    ("text", "number", "charge"),
    [("I", 53, -1.0), ("F", 9, -1.0), ("O", 8, -2.0), ("S", 16, -2.0), ("H", 1, -1.0),
     ("N", 7, -3.0), ("I-", 53, -1.0), ("S2-", 16, -2.0), ("O1-", 8, -1.0), (" Br ", 35, -1.0)],
)  # fmt: skip
def test_an_element_takes_its_usual_charge(text, number, charge):
    assert guest_ion(text) == MobileIon(number, charge)


@pytest.mark.parametrize(
    "text", ["Li", "Li+", "Si", "C", "I+", "I0+", "iodide", "", "-", "LiI", "Xx"]
)
def test_what_is_no_anion_is_refused(text):
    with pytest.raises(InputError):
        guest_ion(text)


def test_several_guests_stand_between_commas_and_count_once():
    found = guest_ions(["I, Br", "Cl,I", "F-", ""])
    assert [str(ion) for ion in found] == ["I-", "Br-", "Cl-", "F-"]


def test_one_element_has_one_charge():
    with pytest.raises(InputError, match="two charges"):
        guest_ions(["O", "O1-"])
