"""The last resort: which cells become neutral by force, how, and which stay refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import UnpreparableStructureError
from dualion.structures.oxidation.forced import (
    FORCED_FLAG,
    FORCED_METHOD,
    LEAST_ANION_FACTOR,
    LEAST_MOBILE_SHARE,
    MOST_ANION_FACTOR,
)
from dualion.structures.preparation import prepare

HOW = {"cations_missing", "occupancy_rebalanced", "occupancies_lost", "surplus_electrons"}


def spread(*species: object, length: float = 12.0) -> Structure:
    """Species on the points of a 3 Å grid in a cubic cell, in the given order."""
    steps = int(length / 3.0)
    points = [(x, y, z) for x in range(steps) for y in range(steps) for z in range(steps)]
    chosen = points[:: len(points) // len(species)][: len(species)]
    return Structure(Lattice.cubic(length), list(species), np.array(chosen) / steps)


def charges_of(crystal: IonicCrystal, number: int) -> list[float]:
    return sorted(set(crystal.charges[crystal.numbers == number].round(9).tolist()))


def assert_forced(crystal: IonicCrystal, how: str) -> None:
    assert crystal.oxidation_method == FORCED_METHOD
    assert {FORCED_FLAG, how} <= set(crystal.flags)
    assert HOW & set(crystal.flags) == {how}
    assert abs(crystal.net_charge) < 1e-9


def test_missing_cations_lower_the_charges_of_all_anions() -> None:
    # LiMgO2Cl lacks 2 of its 5 positive charges
    crystal = prepare(spread("Li", "Mg", "O", "O", "Cl"))
    assert_forced(crystal, "cations_missing")
    assert charges_of(crystal, 3) == [1.0]
    assert charges_of(crystal, 12) == [2.0]
    assert charges_of(crystal, 8) == [-1.2]
    assert charges_of(crystal, 17) == [-0.6]


def test_surplus_electrons_raise_the_charges_of_the_anions() -> None:
    crystal = prepare(spread("Li", "Li", "Na", "Na", "O", "Cl"), cell_kind="dft")
    assert_forced(crystal, "surplus_electrons")
    assert charges_of(crystal, 8) == [round(-8 / 3, 9)]
    assert charges_of(crystal, 17) == [round(-4 / 3, 9)]
    assert crystal.occupancies.tolist() == [1.0] * 6


def test_excess_of_partly_empty_lithium_is_taken_from_its_occupancies() -> None:
    lithium = [{"Li": 0.9}, {"Li": 0.6}]
    crystal = prepare(spread("Na", *lithium, "Cl", "Cl"), cell_kind="experiment")
    assert_forced(crystal, "occupancy_rebalanced")
    assert crystal.occupancies == pytest.approx([1, 0.6, 0.4, 1, 1])
    assert charges_of(crystal, 17) == [-1.0]


@pytest.mark.parametrize("kind", ["experiment", "unknown"])
def test_full_sites_of_an_experiment_have_lost_their_occupancies(kind: str) -> None:
    crystal = prepare(spread("Li", "Li", "Li", "Li", "Cl", "Cl", "Cl"), cell_kind=kind)  # type: ignore[arg-type]
    assert_forced(crystal, "occupancies_lost")
    assert crystal.occupancies == pytest.approx([0.75] * 4 + [1.0] * 3)
    assert crystal.occupancy_handling == "weighted"


@pytest.mark.parametrize(
    "structure",
    [
        spread("Li", "O", "O"),  # 1 positive charge against 4
        spread("Ba", "Ba", "Ba", "Li", "N"),  # subnitride with metallic electrons
        spread({"Li": 0.5}, {"Ba": 0.5}, {"Ba": 0.5}, {"Ba": 0.5}, {"O": 0.5}),
        spread("Hg", *["Cl"] * 6),  # no electropositive cation
    ],
    ids=["too few cations", "subnitride", "disordered", "noble"],
)
def test_what_no_formal_state_explains_stays_refused(structure: Structure) -> None:
    with pytest.raises(UnpreparableStructureError, match="keeps a net charge"):
        prepare(structure, cell_kind="dft")


def test_alloys_that_do_not_add_up_are_no_salts() -> None:
    with pytest.raises(UnpreparableStructureError):
        prepare(spread("Li", "Li", "Li", "Li", "Li", "Si"), cell_kind="dft")


def test_states_of_the_user_are_never_scaled() -> None:
    structure = spread("Li", "Mg", "O", "O", "Cl")
    crystal = prepare(structure, oxidation_states={"Cl": -1.0})
    assert_forced(crystal, "cations_missing")
    assert charges_of(crystal, 17) == [-1.0]
    assert charges_of(crystal, 8) == [-1.0]
    with pytest.raises(UnpreparableStructureError):
        prepare(structure, oxidation_states={"Cl": -1.0, "O": -2.0})


def test_strict_refuses_what_is_forced_and_changes_nothing_else() -> None:
    with pytest.raises(UnpreparableStructureError) as caught:
        prepare(spread("Li", "Mg", "O", "O", "Cl"), strict=True)
    assert caught.value.reason == "cations_missing"
    sound = spread("Li", "Mg", "O", "Cl")
    strict, usual = prepare(sound, strict=True), prepare(sound)
    assert strict.charges.tolist() == usual.charges.tolist()
    assert strict.oxidation_method == usual.oxidation_method != FORCED_METHOD


def test_cations_feel_the_formal_states() -> None:
    """The field of Li+ is the same before and after the anions' charges are scaled."""
    from dualion.screening.bvse.field import bvse_field, framework_of
    from dualion.screening.bvse.potential import PotentialOptions
    from dualion.screening.ions import MobileIon

    forced = prepare(spread("Li", "Mg", "Ti", "O", "O", "O", "O", "Cl"))
    assert_forced(forced, "cations_missing")
    formal = dataclasses.replace(forced, charges=np.array([1.0, 2, 4, -2, -2, -2, -2, -1]))
    options = PotentialOptions()
    fields = [
        bvse_field(
            framework_of(crystal, MobileIon(3, 1.0), options),
            (24, 24, 24),
            cutoff_angstrom=options.cutoff_angstrom,
        )
        for crystal in (forced, formal)
    ]
    np.testing.assert_array_equal(fields[0], fields[1])


SALT = "Li Na Mg Al Ti Fe La P H Si O O O S F Cl N I"


@st.composite
def unbalanced_salts(draw: st.DrawFn) -> Structure:
    names = draw(st.lists(st.sampled_from(SALT.split(" ")), min_size=1, max_size=12))
    filled = st.sampled_from([1.0, 1.0, 0.5, 0.31])
    shares = [draw(filled) for _ in names] if draw(st.booleans()) else [1.0] * len(names)
    rest = [{name: share} for name, share in zip(names, shares, strict=True)]
    lithium = draw(st.sampled_from([1.0, 0.7]))
    return spread({"Li": lithium}, {"Li": 1.0}, {"O": 1.0}, *rest)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(structure=unbalanced_salts(), kind=st.sampled_from(["dft", "experiment", "unknown"]))
def test_forced_crystals_are_neutral_and_named(structure: Structure, kind: str) -> None:
    try:
        crystal = prepare(structure, cell_kind=kind)  # type: ignore[arg-type]
    except UnpreparableStructureError as error:
        assert error.reason
        return
    assert crystal.is_neutral
    assert (crystal.occupancies > 0).all()
    assert (crystal.occupancies <= 1 + 1e-9).all()
    forced = crystal.oxidation_method == FORCED_METHOD
    assert forced == (FORCED_FLAG in crystal.flags)
    if not forced:
        return
    with pytest.raises(UnpreparableStructureError):
        prepare(structure, cell_kind=kind, strict=True)  # type: ignore[arg-type]
    assert (crystal.charges[crystal.numbers == 3] == 1.0).all()
    fluorine = crystal.charges[crystal.numbers == 9]
    assert ((-fluorine >= LEAST_ANION_FACTOR) & (-fluorine <= MOST_ANION_FACTOR)).all()
    given_occupancies = np.array([site.species.num_atoms for site in structure])
    share = crystal.occupancies / given_occupancies
    assert (share >= LEAST_MOBILE_SHARE - 1e-9).all()
