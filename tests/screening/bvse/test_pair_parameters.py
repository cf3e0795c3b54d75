"""Pair parameters: what is tabulated comes back, what is estimated stays physical."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Element

from dualion.screening.bvse.bond_valence_radii import (
    BOND_VALENCE_RADII,
    estimated_r0,
    shannon_radius,
)
from dualion.screening.bvse.estimated_parameters import (
    ALPHA_RANGE,
    bond_breaking_energy,
    fit_estimates,
    is_d_or_f_block,
)
from dualion.screening.bvse.pair_parameters import (
    ANIONS_WITH_ESTIMATE,
    CATIONS_WITHOUT_ESTIMATE,
    HEAVIEST_WITH_ESTIMATE,
    HYDROGEN_OXYGEN,
    Ion,
    ParameterQuality,
    estimate_model,
    known_pairs,
    morse_parameters,
)
from dualion.screening.bvse.softbv import (
    MorseParameters,
    anion_radius_angstrom,
    ase_covalent_radii,
    morse_table,
)
from dualion.structures.elements import atomic_number
from dualion.structures.errors import MissingParametersError

ANY = ParameterQuality.ESTIMATED
HALIDES = ("F", "Cl", "Br", "I")
SOUND = [
    (cation, anion, found)
    for cation, row in morse_table().items()
    for anion, found in row.items()
    if found.alpha_per_angstrom > 0
]
BROKEN = [
    (cation, anion, found)
    for cation, row in morse_table().items()
    for anion, found in row.items()
    if found.alpha_per_angstrom < 0
]


def ion(element: str, charge: float) -> Ion:
    return atomic_number(element), charge


def found(cation: Ion, anion: Ion) -> MorseParameters:
    return morse_parameters(cation, anion, worst=ANY)[0]


def quality(cation: Ion, anion: Ion) -> ParameterQuality:
    return morse_parameters(cation, anion, worst=ANY)[1]


# --- the table itself


def test_tabulated_pairs_come_back_exactly() -> None:
    for cation, anion, expected in SOUND:
        got = morse_parameters(cation, anion, worst=ParameterQuality.TABULATED)
        assert got == (expected, ParameterQuality.TABULATED)


def test_every_sound_pair_obeys_the_relation_of_d0() -> None:
    """softBV derives D0 from R_min and b; the table has it to its printed digits."""
    for cation, anion, expected in SOUND:
        depth = bond_breaking_energy(
            cation,
            anion,
            r_min_angstrom=expected.r_min_angstrom,
            alpha_per_angstrom=expected.alpha_per_angstrom,
        )
        assert depth == pytest.approx(expected.d0_ev, rel=2e-3)


def test_published_hydrogen_pair_obeys_it_too() -> None:
    depth = bond_breaking_energy(
        ion("H", 1),
        ion("O", -2),
        r_min_angstrom=HYDROGEN_OXYGEN.r_min_angstrom,
        alpha_per_angstrom=HYDROGEN_OXYGEN.alpha_per_angstrom,
    )
    assert depth == pytest.approx(HYDROGEN_OXYGEN.d0_ev, rel=2e-3)
    assert morse_parameters(ion("H", 1), ion("O", -2), worst=ParameterQuality.TABULATED) == (
        HYDROGEN_OXYGEN,
        ParameterQuality.TABULATED,
    )


# --- pairs whose α has the wrong sign in the table


def test_broken_pairs_are_mended() -> None:
    """Ca–Br must lie between Ca–Cl and Ca–I, not at 1.24 Å."""
    assert BROKEN
    for cation, anion, entry in BROKEN:
        mended, how = morse_parameters(cation, anion, worst=ANY)
        assert how is ParameterQuality.ESTIMATED
        assert mended.alpha_per_angstrom == -entry.alpha_per_angstrom
        assert mended.r0_angstrom == entry.r0_angstrom
        assert mended.r_min_angstrom > mended.r0_angstrom * 0.85


@pytest.mark.parametrize("metal", ["Ca", "Sr", "Ba", "Mg"])
def test_mended_halides_grow_with_the_anion(metal: str) -> None:
    lengths = [found(ion(metal, 2), ion(x, -1)).r_min_angstrom for x in HALIDES]
    assert lengths == sorted(lengths)


def test_broken_pairs_are_refused_with_the_estimates() -> None:
    with pytest.raises(MissingParametersError):
        morse_parameters(ion("Ca", 2), ion("Br", -1), worst=ParameterQuality.NEAREST_STATE)


# --- fractional and rare states


def test_mixed_valence_lies_between_its_integer_states() -> None:
    low, high = (found(ion("Mn", q), ion("O", -2)) for q in (3, 4))
    got, how = morse_parameters(ion("Mn", 3.25), ion("O", -2), worst=ANY)
    assert how is ParameterQuality.INTERPOLATED
    for name in ("r_min_angstrom", "alpha_per_angstrom", "d0_ev", "r0_angstrom"):
        a, b = getattr(low, name), getattr(high, name)
        assert getattr(got, name) == pytest.approx(0.75 * a + 0.25 * b)


@given(st.floats(2.0, 7.0))
def test_interpolated_parameters_stay_between_the_tabulated_ones(charge: float) -> None:
    got = found(ion("Mn", charge), ion("O", -2))
    states = [found(ion("Mn", q), ion("O", -2)) for q in (2, 3, 4, 5, 6, 7)]
    for name in ("r_min_angstrom", "alpha_per_angstrom", "d0_ev"):
        values = [getattr(s, name) for s in states]
        assert min(values) - 1e-9 <= getattr(got, name) <= max(values) + 1e-9


def test_a_mended_state_is_no_support_of_an_interpolation() -> None:
    """Between Mo3+ and the broken Mo6+ of the sulfide, the sound state alone counts."""
    got, how = morse_parameters(ion("Mo", 5.5), ion("S", -2), worst=ANY)
    assert how is ParameterQuality.NEAREST_STATE
    assert got.r_min_angstrom < found(ion("Mo", 3), ion("S", -2)).r_min_angstrom


@pytest.mark.parametrize(
    ("rare", "anion", "known"),
    [
        (("Mn", 1), ("O", -2), 2),
        (("Ni", 1), ("O", -2), 2),
        (("Cr", 5), ("F", -1), 4),
        (("P", 3), ("Cl", -1), 5),
    ],
)
def test_rare_states_move_from_the_nearest_one(
    rare: tuple[str, int], anion: tuple[str, int], known: int
) -> None:
    """Less charge binds more weakly: the well is shallower."""
    got, how = morse_parameters(ion(*rare), ion(*anion), worst=ANY)
    nearest = found(ion(rare[0], known), ion(*anion))
    assert how is ParameterQuality.NEAREST_STATE
    assert (got.d0_ev < nearest.d0_ev) == (rare[1] < known)
    assert got.r_min_angstrom == pytest.approx(nearest.r_min_angstrom, rel=0.12)


def test_rare_states_move_towards_what_the_table_has_of_them() -> None:
    """Fe4+–O left out: moved from Fe3+ it is nearer to the table than Fe3+ is."""
    here, there = (found(ion("Fe", q), ion("O", -2)) for q in (3, 4))
    trend = [estimate_model().estimate(ion("Fe", q), ion("O", -2)) for q in (3, 4)]
    moved = here.d0_ev * trend[1].d0_ev / trend[0].d0_ev
    assert abs(moved - there.d0_ev) < abs(here.d0_ev - there.d0_ev)


@pytest.mark.parametrize(("element", "charge"), [("Mn", 2), ("Li", 1), ("P", 5)])
def test_parameters_do_not_jump_at_the_outermost_state(element: str, charge: int) -> None:
    at = found(ion(element, charge), ion("O", -2))
    beside = found(ion(element, charge - 1e-4), ion("O", -2))
    assert beside.r_min_angstrom == pytest.approx(at.r_min_angstrom, abs=1e-3)
    assert beside.d0_ev == pytest.approx(at.d0_ev, rel=3e-3)


@pytest.mark.parametrize(("element", "charge"), [("O", -1), ("S", -0.5), ("S", -1)])
def test_peroxides_and_polysulfides_take_the_usual_anion(element: str, charge: float) -> None:
    got, how = morse_parameters(ion("Li", 1), ion(element, charge), worst=ANY)
    assert how is ParameterQuality.NEAREST_STATE
    assert got == found(ion("Li", 1), ion(element, -2))


def test_estimates_of_mixed_valence_lie_between_their_integer_states() -> None:
    """No iron phosphide is tabulated at all."""
    low, middle, high = (found(ion("Fe", q), ion("P", -3)) for q in (2, 2.5, 3))
    assert quality(ion("Fe", 2.5), ion("P", -3)) is ParameterQuality.ESTIMATED
    assert middle.r_min_angstrom == pytest.approx((low.r_min_angstrom + high.r_min_angstrom) / 2)


# --- estimates against what others published


@pytest.mark.parametrize(
    ("cation", "anion", "shortest", "longest"),
    [
        # Nearest-neighbour distances in the crystals: Li3P 2.47–2.78, Na3P 2.88–3.29,
        # LiH 2.04, NaH 2.44, MgH2 1.95, Mg3P2 2.60, AlN 1.89, Si3N4 1.73, GaP 2.36,
        # InP 2.54, AlP 2.37, Li3Bi 2.90–3.35, CaH2 2.23–2.56.
        (("Li", 1), ("P", -3), 2.35, 2.80),
        (("Na", 1), ("P", -3), 2.75, 3.30),
        (("Li", 1), ("H", -1), 1.75, 2.10),
        (("Na", 1), ("H", -1), 2.20, 2.50),
        (("Mg", 2), ("H", -1), 1.75, 2.00),
        (("Ca", 2), ("H", -1), 2.15, 2.60),
        (("Mg", 2), ("P", -3), 2.45, 2.80),
        (("Al", 3), ("N", -3), 1.80, 2.05),
        (("Si", 4), ("N", -3), 1.60, 1.85),
        (("Al", 3), ("P", -3), 2.25, 2.55),
        (("Ga", 3), ("P", -3), 2.25, 2.55),
        (("In", 3), ("P", -3), 2.45, 2.70),
        (("Li", 1), ("Bi", -3), 2.80, 3.35),
        (("H", 1), ("N", -3), 0.95, 1.35),
        (("Si", 4), ("Cl", -1), 1.90, 2.15),
        (("Er", 3), ("I", -1), 2.80, 3.15),
        (("Pu", 4), ("O", -2), 2.05, 2.40),
    ],
)
def test_r_min_is_a_bond_length_of_the_crystal(
    cation: tuple[str, int], anion: tuple[str, int], shortest: float, longest: float
) -> None:
    assert quality(ion(*cation), ion(*anion)) is ParameterQuality.ESTIMATED
    assert shortest < found(ion(*cation), ion(*anion)).r_min_angstrom < longest


@pytest.mark.parametrize(
    ("cation", "anion", "published"),
    [
        # Table 2 of Brese & O'Keeffe, Acta Cryst. B 47, 192 (1991), 10.1107/S0108768190011041.
        ("Al", "P", 2.24),
        ("Al", "As", 2.30),
        ("Al", "N", 1.79),
        ("Al", "H", 1.45),
        ("Ag", "P", 2.22),
        ("Ba", "N", 2.47),
        ("Ba", "P", 2.88),
        ("Ba", "As", 2.96),
        ("Ba", "H", 2.22),
        ("B", "P", 1.88),
        ("Be", "As", 2.00),
        ("Bi", "N", 2.24),
    ],
)
def test_r0_of_any_pair_is_near_the_published_one(
    cation: str, anion: str, published: float
) -> None:
    """Both are for b = 0.37 Å; 0.1 Å in R0 is 0.1 Å in the bond length."""
    assert estimated_r0(atomic_number(cation), atomic_number(anion)) == pytest.approx(
        published, abs=0.1
    )


def test_r0_of_an_element_without_a_bond_valence_radius() -> None:
    """Au–P 2.14 Å in the same source; gold's radius comes from its covalent one."""
    assert estimated_r0(atomic_number("Au"), atomic_number("P")) == pytest.approx(2.14, abs=0.2)


def test_hydrogen_is_near_softbv_with_other_anions() -> None:
    """R0 of Adams, Struct. Bond. 158, 91 (2014), 10.1007/430_2013_96: H–S 1.098, H–Se 1.213."""
    assert found(ion("H", 1), ion("S", -2)).r0_angstrom == pytest.approx(1.098, abs=0.2)
    assert found(ion("H", 1), ion("Se", -2)).r0_angstrom == pytest.approx(1.213, abs=0.2)


def test_radii_are_those_that_pymatgen_ships() -> None:
    pytest.importorskip("pymatgen")
    from pymatgen.analysis.bond_valence import BV_PARAMS

    assert {e.Z: (p["r"], p["c"]) for e, p in BV_PARAMS.items()} == BOND_VALENCE_RADII


def test_shannon_radii() -> None:
    """Octahedral crystal radii of Shannon's table; high spin; states he lacks by slope."""
    assert shannon_radius(atomic_number("Na"), 1) == pytest.approx(1.16)
    assert shannon_radius(atomic_number("Fe"), 2) == pytest.approx(0.92)
    assert shannon_radius(atomic_number("Ni"), 1) > shannon_radius(atomic_number("Ni"), 2)


# --- trends


@pytest.mark.parametrize(
    "anions",
    [
        [("N", -3), ("P", -3), ("As", -3), ("Sb", -3), ("Bi", -3)],
        [("C", -4), ("Si", -4), ("Ge", -4), ("Sn", -4)],
        [("F", -1), ("Cl", -1), ("Br", -1), ("I", -1)],
    ],
)
@pytest.mark.parametrize("cation", [("Li", 1), ("Mg", 2), ("Al", 3), ("Zr", 4), ("La", 3)])
def test_bonds_lengthen_and_soften_down_a_group(
    cation: tuple[str, int], anions: list[tuple[str, int]]
) -> None:
    pairs = [estimate_model().estimate(ion(*cation), ion(*a)) for a in anions]
    lengths = [p.r_min_angstrom for p in pairs]
    alphas = [p.alpha_per_angstrom for p in pairs]
    assert lengths == sorted(lengths)
    assert alphas == sorted(alphas, reverse=True)


@pytest.mark.parametrize("anion", [("P", -3), ("H", -1), ("C", -4)])
def test_bonds_lengthen_down_the_alkali_metals(anion: tuple[str, int]) -> None:
    metals = ["Li", "Na", "K", "Rb", "Cs"]
    lengths = [found(ion(m, 1), ion(*anion)).r_min_angstrom for m in metals]
    assert lengths == sorted(lengths)


def test_higher_charge_shortens_and_deepens() -> None:
    two, three = (found(ion("Fe", q), ion("P", -3)) for q in (2, 3))
    assert three.r_min_angstrom < two.r_min_angstrom
    assert three.d0_ev > two.d0_ev


# --- every pair


@settings(max_examples=300)
@given(
    st.integers(1, HEAVIEST_WITH_ESTIMATE).filter(lambda z: z not in CATIONS_WITHOUT_ESTIMATE),
    st.floats(0.05, 8.0),
    st.sampled_from(sorted(ANIONS_WITH_ESTIMATE)),
    st.floats(0.05, 4.0),
)
def test_every_pair_is_physical(
    cation: int, charge: float, anion: int, anion_charge: float
) -> None:
    got, _ = morse_parameters((cation, charge), (anion, -anion_charge), worst=ANY)
    assert 0.6 < got.r_min_angstrom < 4.7
    assert 1.2 <= got.alpha_per_angstrom <= 3.1
    assert 0.0 < got.d0_ev < 60.0
    assert math.isfinite(got.r0_angstrom)


@pytest.mark.parametrize("anion", ["P", "As", "Sb", "Bi", "H", "C", "Si", "Ge", "B", "N"])
def test_estimates_keep_alpha_in_its_range(anion: str) -> None:
    for number, charge in morse_table():
        got, how = morse_parameters((number, charge), ion(anion, -3), worst=ANY)
        if how is ParameterQuality.ESTIMATED:
            assert ALPHA_RANGE[0] <= got.alpha_per_angstrom <= ALPHA_RANGE[1]


# --- leaving pairs out


def test_a_pair_left_out_is_recovered() -> None:
    """Li–O from the rest of the table: within the error that the documentation states."""
    table = {c: dict(row) for c, row in known_pairs().items()}
    expected = table[3, 1].pop((8, -2))
    got = fit_estimates(table).estimate((3, 1), (8, -2))
    assert got.r_min_angstrom == pytest.approx(expected.r_min_angstrom, abs=0.1)
    assert got.alpha_per_angstrom == pytest.approx(expected.alpha_per_angstrom, rel=0.15)
    assert got.d0_ev == pytest.approx(expected.d0_ev, rel=0.3)


def test_blocks() -> None:
    d_or_f = {"Sc", "Zn", "Cd", "La", "Lu", "Hg", "U"}
    others = {"Ca", "Ga", "In", "Tl", "Li", "H", "Ba"}
    assert all(is_d_or_f_block(atomic_number(e)) for e in d_or_f)
    assert not any(is_d_or_f_block(atomic_number(e)) for e in others)


# --- refusals


def test_estimates_can_be_refused() -> None:
    with pytest.raises(MissingParametersError, match=r"Li1\+–P3-.*no state") as caught:
        morse_parameters(ion("Li", 1), ion("P", -3), worst=ParameterQuality.NEAREST_STATE)
    assert caught.value.reason == "missing_parameters"


def test_nearest_states_can_be_refused() -> None:
    with pytest.raises(MissingParametersError, match="only nearest state"):
        morse_parameters(ion("Mn", 1), ion("O", -2), worst=ParameterQuality.INTERPOLATED)


@pytest.mark.parametrize(
    ("cation", "anion", "why"),
    [
        (("Ar", 1), ("O", -2), "Ar is not known as a cation"),
        (("F", 1), ("O", -2), "F is not known as a cation"),
        (("Lr", 3), ("O", -2), "Lr is not known as a cation"),
        (("Li", 1), ("Fe", -2), "Fe is not known as an anion"),
        (("Li", 1), ("Xe", -1), "Xe is not known as an anion"),
    ],
)
def test_what_is_no_ion_is_named(cation: tuple[str, int], anion: tuple[str, int], why: str) -> None:
    with pytest.raises(MissingParametersError, match=why):
        morse_parameters(ion(*cation), ion(*anion), worst=ANY)


def test_qualities_are_four_and_ordered_from_the_most_trustworthy():
    labels = [quality.label for quality in ParameterQuality]
    assert labels == ["tabulated", "interpolated", "nearest_state", "estimated"]
    assert list(ParameterQuality) == sorted(ParameterQuality)


@pytest.mark.parametrize(("anion", "radius"), [("F", 1.26), ("O", 1.33), ("Cl", 1.74)])
def test_anions_have_the_radii_of_softbv(anion: str, radius: float) -> None:
    """Chen et al., Acta Cryst. B 75, 18 (2019), 10.1107/S2052520618015718."""
    charge = -2.0 if anion == "O" else -1.0
    assert anion_radius_angstrom(atomic_number(anion), charge) == pytest.approx(radius, abs=0.005)


@pytest.mark.parametrize("element", ["C", "Si", "B", "Ar"])
def test_an_anion_without_a_radius_is_as_much_larger_than_its_atom_as_others(element: str) -> None:
    """Tabulated anions exceed their atoms by 0.66 to 0.92 Å; the table's neutral Ar is no anion."""
    number = atomic_number(element)
    excess = anion_radius_angstrom(number, -1.0) - float(ase_covalent_radii()[number])
    assert 0.66 < excess < 0.92


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_estimates_of_mixed_valence_are_linear_between_their_integer_states(share: float) -> None:
    low, middle, high = (found(ion("Fe", 2 + part), ion("P", -3)) for part in (0, share, 1))
    for name in ("r_min_angstrom", "alpha_per_angstrom", "d0_ev", "r0_angstrom"):
        expected = (1 - share) * getattr(low, name) + share * getattr(high, name)
        assert getattr(middle, name) == pytest.approx(expected)


def is_refused(cation: Ion, anion: Ion) -> bool:
    try:
        morse_parameters(cation, anion, worst=ANY)
    except MissingParametersError:
        return True
    return False


@pytest.mark.parametrize("number", range(1, 105))
def test_which_elements_are_cations_and_which_are_anions(number: int) -> None:
    """No cations: He, Ne, Ar, Kr, Rn, F and what is beyond curium. Anions: H, groups 13 to 17."""
    none = {"He", "Ne", "Ar", "Kr", "Rn", "F", "Bk", "Cf", "Es", "Fm", "Md", "No", "Lr", "Rf"}
    element = Element.from_Z(number)
    assert is_refused((number, 1.5), ion("P", -3)) is (element.symbol in none)
    is_anion = number == 1 or 13 <= element.group <= 17
    assert is_refused(ion("Pu", 4), (number, -1.0)) is not is_anion


@pytest.mark.parametrize(("offset", "tabulated"), [(0.9e-6, True), (1.05e-6, False)])
def test_charges_that_differ_by_less_than_a_millionth_are_one(offset: float, tabulated: bool):
    """On either ion: the state itself, and else one between two states or near one."""
    TABULATED, BETWEEN, NEAREST = list(ParameterQuality)[:3]
    between = quality(ion("Mn", 3 + offset), ion("O", -2))
    nearest = quality(ion("Mn", 3), ion("O", -2 + offset))
    assert between is (TABULATED if tabulated else BETWEEN)
    assert nearest is (TABULATED if tabulated else NEAREST)
    mended = found(ion("Ca", 2 + offset), ion("Br", -1))
    assert (mended.r0_angstrom == found(ion("Ca", 2), ion("Br", -1)).r0_angstrom) is tabulated


def test_an_untabulated_anion_makes_a_mixed_state_a_near_one() -> None:
    got, how = morse_parameters(ion("Mn", 3.25), ion("O", -1), worst=ANY)
    assert how is ParameterQuality.NEAREST_STATE
    assert got == found(ion("Mn", 3.25), ion("O", -2))


@pytest.mark.parametrize(
    ("rare", "anion", "known"),
    [
        (("Mn", 1), ("O", -2), 2),
        (("Mn", 1.5), ("O", -2), 2),
        (("Cr", 6), ("F", -1), 4),
        (("P", 3), ("Cl", -1), 5),
        (("Zr", 2), ("F", -1), 4),
        (("In", 1), ("O", -2), 3),
    ],
)
def test_a_rare_state_is_moved_by_the_ratios_of_the_trend(
    rare: tuple[str, float], anion: tuple[str, int], known: int
) -> None:
    """R_min and α by ratios, R0 by the difference, α kept in the table's 1.2 to 3.1, D0 by rule."""
    got = found(ion(*rare), ion(*anion))
    start = found(ion(rare[0], known), ion(*anion))
    model = estimate_model()
    here = model.estimate(ion(rare[0], known), ion(*anion))
    low, high = math.floor(rare[1]), math.ceil(rare[1])
    share = rare[1] - low
    ends = [model.estimate(ion(rare[0], q), ion(*anion)) for q in (low, high)]

    def there(name: str) -> float:
        return (1 - share) * getattr(ends[0], name) + share * getattr(ends[1], name)

    ratio = there("alpha_per_angstrom") / here.alpha_per_angstrom
    alpha = min(max(start.alpha_per_angstrom * ratio, 1.2), 3.1)
    r_min = start.r_min_angstrom * there("r_min_angstrom") / here.r_min_angstrom
    assert got.alpha_per_angstrom == pytest.approx(alpha)
    assert got.r_min_angstrom == pytest.approx(r_min)
    assert got.r0_angstrom == pytest.approx(
        start.r0_angstrom + there("r0_angstrom") - here.r0_angstrom
    )
    assert got.d0_ev == pytest.approx(
        bond_breaking_energy(
            ion(*rare), ion(*anion), r_min_angstrom=r_min, alpha_per_angstrom=alpha
        )
    )


def test_a_water_molecule_s_bonds_carry_hydrogen_s_charge() -> None:
    """R0 = 0.87045 Å of Adams & Rao (2011): O–H 0.87 Å is one valence unit, 0.96 Å 0.82."""
    pair = HYDROGEN_OXYGEN
    assert math.exp(pair.alpha_per_angstrom * (pair.r0_angstrom - 0.87045)) == pytest.approx(1.0)
    assert math.exp(pair.alpha_per_angstrom * (pair.r0_angstrom - 0.9584)) == pytest.approx(
        0.825, abs=0.01
    )


@pytest.mark.parametrize("worst", list(ParameterQuality))
def test_nothing_worse_than_asked_for_is_taken(worst: ParameterQuality) -> None:
    """Mn³⁺–O²⁻ is tabulated, Mn³·⁵⁺ between states, Mn¹⁺ near one, Fe–P estimated."""
    pairs = [
        (ion("Mn", 3), ion("O", -2)),
        (ion("Mn", 3.5), ion("O", -2)),
        (ion("Mn", 1), ion("O", -2)),
        (ion("Fe", 2), ion("P", -3)),
    ]
    for own, (cation, anion) in zip(ParameterQuality, pairs, strict=True):
        if own <= worst:
            assert morse_parameters(cation, anion, worst=worst)[1] is own
        else:
            with pytest.raises(MissingParametersError):
                morse_parameters(cation, anion, worst=worst)
