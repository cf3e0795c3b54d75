"""Sites on symmetry elements, from coordinates with few digits; the formula and Z decide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Structure
from pymatgen.symmetry.groups import SpaceGroup

from dualion.structures.files import parse_entry
from dualion.structures.files.cif.special_positions import place, printed_interval
from dualion.structures.records import RawEntry, StructureRecord

HEXAGONAL, CUBIC = (120, 3.41, 5.7), (90, 8.0, 8.0)


def cif(
    atoms: str,
    symbol: str,
    cell: tuple[float, float, float] = HEXAGONAL,
    *,
    formula: str = "",
    units: int = 0,
) -> str:
    gamma, a, c = cell
    head = f"_chemical_formula_sum '{formula}'\n" if formula else ""
    head += f"_cell_formula_units_Z {units}\n" if units else ""
    return (
        f"data_x\n{head}_cell_length_a {a}\n_cell_length_b {a}\n_cell_length_c {c}\n"
        f"_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma {gamma}\n"
        f"_symmetry_space_group_name_H-M '{symbol}'\nloop_\n_atom_site_label\n"
        "_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
        f"_atom_site_occupancy\n{atoms}\n"
    )


def parse(text: str) -> StructureRecord:
    return parse_entry(RawEntry(source="t", source_id="t", format="cif", text=text))


def amounts(record: StructureRecord) -> dict[str, float]:
    return {str(k): round(v, 6) for k, v in record.structure.composition.as_dict().items()}


# Multiplicities of Wyckoff positions as International Tables for Crystallography A lists them.
@pytest.mark.parametrize(
    ("symbol", "cell", "position", "multiplicity"),
    [
        ("P -3 m 1", HEXAGONAL, "0.333 0.667 0.62", 2),
        ("P -3 m 1", HEXAGONAL, "0.33 0.67 0.62", 2),
        ("P -3 m 1", HEXAGONAL, "0.33 0.66 0.62", 2),
        ("P -3 m 1", HEXAGONAL, "-0.333 -0.667 0.62", 2),
        ("P -3 m 1", HEXAGONAL, "0.3333 0.6667 0.62", 2),
        ("P -3 m 1", HEXAGONAL, "0.167 0.833 0.3", 6),  # 6i: x, -x, z
        ("P -3 m 1", HEXAGONAL, "0.12 0.30 0.41", 12),  # 12j
        ("P 63 m c", HEXAGONAL, "0.333 0.667 0.379", 2),
        ("P 63/m m c", HEXAGONAL, "0.167 0.333 0.25", 6),  # 6h: x, 2x, 1/4
        ("P 63/m m c", HEXAGONAL, "0.17 0.33 0.25", 6),
        ("P 6/m m m", HEXAGONAL, "0.333 0.667 0.5", 2),
        ("R -3 m", HEXAGONAL, "0.667 0.333 0.333", 3),  # 3a of the obverse cell
        ("R -3 m", HEXAGONAL, "0 0 0.333", 6),  # 6c: 0, 0, z
        ("P 31", HEXAGONAL, "0.333 0.667 0.1", 3),  # a screw axis fixes nothing
        ("F d -3 m :2", CUBIC, "0.125 0.125 0.125", 8),
        ("F d -3 m :2", CUBIC, "0.13 0.12 0.12", 8),  # rounded and cut
        ("P m -3 m", CUBIC, "0.333 0.333 0.333", 8),  # 8g: x, x, x
        ("P m -3 m", CUBIC, "0.01 0 0", 6),  # 6e, printed as off the centre
        ("P -1", CUBIC, "0.01 0.5 0.5", 2),
        ("P -1", CUBIC, "0.99 0.5 0.5", 2),
        ("P -1", CUBIC, "0.49 0.5 0.5", 2),
        ("P -1", CUBIC, "0.00 0.5 0.50", 1),
    ],
)
def test_multiplicity_of_a_printed_position(
    symbol: str, cell: tuple[float, float, float], position: str, multiplicity: int
) -> None:
    record = parse(cif(f"I1 I {position} 0.1", symbol, cell))
    assert len(record.structure) == multiplicity
    assert record.structure.composition["I"] == pytest.approx(0.1 * multiplicity)


def test_three_and_four_digits_give_the_same_structure() -> None:
    atoms = "Ti1 Ti 0 0 0 1\nS1 S 0.3333 0.6667 0.25 1\nLi1 Li {} 0.62 0.3"
    coarse, fine = (
        parse(cif(atoms.format(xy), "P -3 m 1", formula="Li0.6 S2 Ti", units=1))
        for xy in ("0.333 0.667", "0.3333 0.6667")
    )
    assert amounts(coarse) == {"Li": 0.6, "S": 2.0, "Ti": 1.0}
    assert coarse.metadata["stated_formula_agrees"] is True
    assert np.allclose(coarse.structure.frac_coords, fine.structure.frac_coords, atol=1e-12)


def test_a_free_coordinate_is_not_touched() -> None:
    record = parse(cif("I1 I 0.333 0.667 0.379 1", "P 63 m c"))
    # 2b of P6_3mc: 1/3, 2/3, z and 2/3, 1/3, z + 1/2.
    found = sorted(np.round(record.structure.frac_coords, 9).tolist())
    assert found == [
        [pytest.approx(1 / 3), pytest.approx(2 / 3), pytest.approx(0.379)],
        [pytest.approx(2 / 3), pytest.approx(1 / 3), pytest.approx(0.879)],
    ]


def test_z_decides_where_every_multiplicity_is_off_by_the_same_factor() -> None:
    # 0.332 does not round to 1/3; the formula LiI holds either way, two formula units do not.
    atoms = "Li1 Li 0.332 0.668 0 1\nI1 I 0.332 0.668 0.379 1"
    cell = (120, 4.514, 7.311)
    with_units = parse(cif(atoms, "P 63 m c", cell, formula="I Li", units=2))
    assert amounts(with_units) == {"Li": 2.0, "I": 2.0}
    assert "formula decides" in str(with_units.metadata["reader_warnings"])
    assert amounts(parse(cif(atoms, "P 63 m c", cell, formula="I Li"))) == {"Li": 6.0, "I": 6.0}


def test_the_formula_keeps_split_sites_apart_that_the_digits_would_join() -> None:
    # Two half-filled Na at x, -x near the mirror of Pm; 0.50 may be 1/2, and 0.5 Na or 1 Na.
    atoms = "Na1 Na 0.1 0.004 0.2 0.5\nCl1 Cl 0.6 0.5 0.7 1"
    whole = parse(cif(atoms, "P 1 m 1", (90, 9.0, 9.0), formula="Na Cl", units=1))
    assert amounts(whole) == {"Na": 1.0, "Cl": 1.0}


def test_what_contradicts_the_formula_says_so() -> None:
    atoms = "Ti1 Ti 0 0 0 1\nS1 S 0.3333 0.6667 0.25 1\nLi1 Li 0.30 0.70 0.62 0.3"
    record = parse(cif(atoms, "P -3 m 1", formula="Li0.1 S2 Ti"))
    assert record.metadata["stated_formula_agrees"] is False


def test_operators_with_decimal_shifts_are_exact() -> None:
    head = "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n'-y,x-y,z+0.333'\n'-x+y,-x,z+.667'\n"
    text = cif("I1 I 0.2 0.1 0.1 1", "P 31").replace("loop_\n", f"{head}loop_\n", 1)
    heights = sorted(parse(text).structure.frac_coords[:, 2])
    assert heights == pytest.approx([0.1, 0.1 + 1 / 3, 0.1 + 2 / 3], abs=1e-9)


@pytest.mark.parametrize(
    ("text", "value", "low", "high"),
    [
        ("0.333", 0.333, 0.3325, 0.334),
        ("-0.333(2)", -0.333, -0.334, -0.3325),
        ("3.3E-1", 0.33, 0.325, 0.34),
        ("0.5", 0.5, 0.5, 0.5),
        ("0", 0.0, 0.0, 0.0),
        ("1/3", 1 / 3, 1 / 3, 1 / 3),
        ("0.50", 0.5, 0.495, 0.51),
    ],
)
def test_what_a_printed_number_may_stand_for(
    text: str, value: float, low: float, high: float
) -> None:
    found = printed_interval(text, value)
    assert found == pytest.approx((low, high), abs=1.1e-5)
    assert found[0] <= value <= found[1]


GROUPS = ["P-3m1", "P6_3mc", "P6/mmm", "Fm-3m", "I4_1/amd", "P2_1/c", "Cmcm", "I-43d", "Pa-3"]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(GROUPS), st.tuples(*[st.integers(0, 23)] * 3), st.integers(3, 6))
def test_rounded_fractions_keep_their_orbit(
    name: str, steps: tuple[int, int, int], digits: int
) -> None:
    """Multiples of 1/24 printed with three digits or more have the orbit of the exact point."""
    group = SpaceGroup(name)
    exact = np.array(steps) / 24.0
    orbit = group.get_orbit(exact)
    operators = tuple(op.as_xyz_str() for op in group.symmetry_ops)
    texts = [f"{x:.{digits}f}" for x in exact]
    x, y, z = (float(text) for text in texts)
    intervals = [printed_interval(text, float(text)) for text in texts]
    found = place((x, y, z), intervals, operators, np.eye(3) * 8.0)
    assert found.multiplicity == len(orbit)
    assert np.abs(np.array(found.position) - exact).max() <= 10.0**-digits


def test_shared_sites_of_different_precision_are_one_site() -> None:
    atoms = "Li1 Li 0.333 0.667 0.62 0.5\nNa1 Na 0.3333 0.6667 0.62 0.5"
    structure: Structure = parse(cif(atoms, "P -3 m 1")).structure
    assert len(structure) == 2
    assert amounts(parse(cif(atoms, "P -3 m 1"))) == {"Li": 1.0, "Na": 1.0}
