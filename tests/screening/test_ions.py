"""Ions in words and numbers."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import ionic

from dualion.screening.ions import (
    MobileIon,
    anions_of,
    ions_of,
    is_anion,
    mean_charge,
    named_ion,
)
from dualion.structures.elements import atomic_number
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


def crystal_of(*ions):
    """Ions (symbol, charge, occupancy) in a row, far from each other."""
    count = len(ions)
    frac = np.column_stack([np.arange(count) / count, np.zeros((count, 2))])
    return ionic(
        np.diag([5.0 * count, 5.0, 5.0]), frac, [atomic_number(name) for name, _, _ in ions],
        [charge for _, charge, _ in ions], [occupancy for _, _, occupancy in ions],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ions", "mean"),
    [
        ([("Fe", 2.0, 1.0), ("Fe", 3.0, 1.0)], 2.5),
        ([("Fe", 2.0, 0.25), ("Fe", 3.0, 0.75)], 2.75),
        ([("Fe", 2.0, 1.0), ("Fe", 2.0 + 1.8e-6, 1.0)], 2.0),  # 0.9e-6 off: rounding
        ([("Fe", 2.0, 1.0), ("Fe", 2.0 + 2.1e-6, 1.0)], 2.0 + 1.05e-6),
    ],
)
def test_the_charge_of_an_element_is_the_mean_by_occupancy(ions, mean):
    found = mean_charge(crystal_of(*ions, ("O", -2.0, 1.0)), 26)
    assert found == pytest.approx(mean, abs=1e-12)
    assert (found == 2) is (mean == 2.0)


def test_an_element_that_is_not_there_has_no_charge():
    with pytest.raises(ValueError, match="Li is not in the crystal"):
        mean_charge(crystal_of(("O", -2.0, 1.0)), 3)


def test_anions_are_negative_in_the_mean():
    """Iodine of iodide and iodate is none, bromine of equal parts neither, nor neutral argon."""
    crystal = crystal_of(
        ("Li", 1.0, 1.0), ("I", -1.0, 1.0), ("I", 5.0, 1.0), ("Br", -1.0, 1.0), ("Br", 1.0, 1.0),
        ("Cl", -1.0, 1.0), ("Cl", 0.0, 1.0), ("O", -2.0, 1.0), ("Ar", 0.0, 1.0),
    )  # fmt: skip
    assert [str(ion) for ion in anions_of(crystal)] == ["O2-", "Cl0.5-"]


def test_every_charge_of_an_element_is_an_ion():
    crystal = crystal_of(("Fe", 3.0, 1.0), ("Fe", 2.0, 1.0), ("O", -2.0, 1.0), ("Fe", 2.0, 0.5))
    assert [str(ion) for ion in ions_of(crystal)] == ["O2-", "Fe2+", "Fe3+"]


@pytest.mark.parametrize(
    ("ion", "anion"),
    [
        ("O2-", True), ("I-", True), ("H-", True), ("N3-", True), ("N0.33-", True), ("Sb3-", True),
        ("Bi3-", True),  # 2.02, the least electronegative of group 15
        ("Po2-", True),  # 2.0, at the limit
        ("C4-", True), ("C3.9-", False), ("C0.67-", False),  # a methanide, and a cluster
        ("Ge4-", True), ("Si4-", False),  # 2.01 and 1.90
        ("B5-", True), ("B4-", False), ("Au-", False), ("Ga5-", False), ("Sn4-", False),
        ("O2+", False),
    ],
)  # fmt: skip
def test_which_ions_are_anions_of_their_own(ion, anion):
    assert is_anion(MobileIon.parse(ion)) is anion
    assert not is_anion(MobileIon(8, 0.0))


def test_an_ion_is_named_by_symbol_or_ion_or_is_the_first_usual_cation():
    crystal = crystal_of(
        ("Na", 1.0, 1.0), ("Li", 1.0, 1.0), ("Fe", 2.0, 1.0), ("Fe", 3.0, 1.0), ("O", -2.0, 1.0)
    )
    assert named_ion(crystal) == MobileIon(3, 1.0)
    assert named_ion(crystal, "Na") == MobileIon(11, 1.0)
    assert named_ion(crystal, "Fe") == MobileIon(26, 2.5)
    assert named_ion(crystal, "Fe3+") == MobileIon(26, 3.0)
    assert named_ion(crystal, "O") == MobileIon(8, -2.0)
    for text in ("K", "K+"):
        with pytest.raises(InputError, match=r"it holds Li\+, O2-, Na\+, Fe2.5\+"):
            named_ion(crystal, text)


def test_a_neutral_metal_is_no_usual_cation():
    """Lithium metal beside Na⁺; without any usual cation a name is asked for."""
    metal = crystal_of(("Li", 0.0, 1.0), ("Na", 1.0, 1.0), ("Cl", -1.0, 1.0))
    assert named_ion(metal) == MobileIon(11, 1.0)
    with pytest.raises(InputError, match="Name a mobile ion"):
        named_ion(crystal_of(("Rb", 1.0, 1.0), ("Cl", -1.0, 1.0)))
