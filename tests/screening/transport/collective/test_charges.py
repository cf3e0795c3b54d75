"""Charges of the elements of a run, by the usual valence or by the user."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Composition

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


@pytest.mark.parametrize(
    "formula",
    [
        "Li3YCl6", "Li3ScCl6", "Li3InCl6", "LiAlCl4", "LiGaBr4", "LaF3", "LuF3", "LiBF4",
        "Li10GeP2S12", "Li2SnS3", "Na3SbS4", "Li3AsS4", "Li7La3Zr2O12", "LiTi2P3O12", "LiHf2P3O12",
        "LiNbO3", "LiTaO3", "Na2WO4", "Li2MoO4", "Na4SiO4", "K2CO3", "RbAg4I5", "Cs2ZnCl4", "CdI2",
        "MgBe2N2", "Ca3N2", "SrTe", "BaSe", "LiOH", "Li6PS5I",
    ],
)  # fmt: skip
def test_salts_of_the_usual_valences_are_neutral(formula: str) -> None:
    symbols = [
        name for name, count in Composition(formula).get_el_amt_dict().items()
        for _ in range(int(count))
    ]  # fmt: skip
    assert formal_charges(symbols, {})[1] == ()
