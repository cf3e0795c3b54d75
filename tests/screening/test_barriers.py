"""Barriers of real crystals: against bvlain, published values and symmetry."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from crystals import reference_crystal

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.barriers import native_barriers
from dualion.screening.bvse.bvlain_engine import bvlain_barriers
from dualion.screening.ions import MobileIon, anions_of
from dualion.screening.screen import screen
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError, MissingParametersError, UnpreparableStructureError
from dualion.structures.files import parse_entry, read_structures, reference_paths
from dualion.structures.preparation import prepare

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
PEER_BRACKET_EV = 0.0105
"""bvlain bisects to 0.01 eV, reports the upper end, and rounds to four digits."""
ROUNDING_EV = 1e-4

TURNED = [1, 2, 0]
DOUBLED = np.array([1, 2, 1])

PEER_CASES = [
    "Li3OCl", "LiAlCl4", "Li3N", "Li2S", "Na3PS4_tetragonal", "NaCl",
    "Li3PS4_gamma",
    *(pytest.param(name, marks=pytest.mark.slow)
      for name in ("Li3PO4_gamma", "LiFePO4", "LiCl", "Li2O", "LiCoO2")),
]  # fmt: skip


def first_cation(crystal: IonicCrystal) -> MobileIon:
    number = next(z for z in (3, 11) if z in crystal.numbers)
    return MobileIon(number, 1.0)


@pytest.mark.parametrize("name", PEER_CASES)
def test_equals_bvlain_on_its_own_grid(name):
    """Small cells at 0.2 Å, others where the peer is quick; the benchmark does hundreds."""
    crystal = reference_crystal(name)
    small = crystal.volume_cubic_angstrom < 150.0
    options = BarrierOptions(spacing_angstrom=0.2 if small else 0.4)
    for ion in (first_cation(crystal), *anions_of(crystal)):
        peer = bvlain_barriers(crystal, ion, options, neighbours=250)
        ours = native_barriers(crystal, ion, options, shape=peer.shape)
        for native, bisected in zip(ours.barriers_ev, peer.barriers_ev, strict=True):
            if np.isinf(native):
                assert np.isinf(bisected)
            else:
                assert -ROUNDING_EV <= bisected - native <= PEER_BRACKET_EV + ROUNDING_EV


GRID_ERROR_EV = 0.031
"""How far barriers move between a 0.2 Å and a 0.05 Å grid, as the design found it."""


def test_lithium_iron_phosphate_channel():
    """bvlain's documentation gives 0.4395 eV for the channel, on a computed cell (mp-19017).

    The 2D and 3D barriers (3.33, 3.36 eV there) lie on walls that follow the cell, so only
    bvlain on the same cell can check them, as above.
    """
    crystal = reference_crystal("LiFePO4")
    ours = native_barriers(crystal, MobileIon(3, 1.0), BarrierOptions()).barriers_ev
    assert ours[0] == pytest.approx(0.4395, abs=GRID_ERROR_EV)
    assert ours[1] > 3.0


def test_lithium_phosphate_oxygen():
    """0.41, 0.92, 1.58 eV for O²⁻ on a computed cell of γ-Li₃PO₄ with bvlain's conventions."""
    crystal = reference_crystal("Li3PO4_gamma")
    ours = native_barriers(crystal, MobileIon(8, -2.0), BarrierOptions()).barriers_ev
    assert ours == pytest.approx((0.41, 0.92, 1.58), abs=GRID_ERROR_EV)


@pytest.mark.parametrize("name", ["LiF", "LiCl", "LiBr", "LiI", "NaCl"])
@pytest.mark.parametrize("primitive", [False, True])
def test_rock_salt_barriers_are_equal(name, primitive):
    path = next(path for path in reference_paths() if path.stem == name)
    structure = next(iter(read_structures([path]))).structure
    if primitive:
        structure = structure.get_primitive_structure()
    cation = "Na" if name.startswith("Na") else "Li"
    pair = screen(structure, cation).pairs[0]
    assert pair.cation.barriers_ev == pytest.approx(pair.published_anion.barriers_ev, abs=1e-6)
    assert "ratio_forced_by_symmetry" in pair.flags


@pytest.mark.parametrize("name", ["LiFePO4", "Li3N", "Li6PS5Cl"])
@pytest.mark.parametrize("change", ["origin", "permuted", "axes", "rotated", "supercell"])
def test_invariances(name, change):
    crystal = reference_crystal(name)
    options = BarrierOptions(spacing_angstrom=0.25)
    ion = MobileIon(3, 1.0)
    before = native_barriers(crystal, ion, options)
    shapes = {"axes": [before.shape[i] for i in TURNED], "supercell": before.shape * DOUBLED}
    shape = tuple(int(n) for n in shapes.get(change, before.shape))
    changed = _changed(crystal, change, before.shape)
    after = native_barriers(changed, ion, options, shape=shape)
    assert after.barriers_ev == pytest.approx(before.barriers_ev, abs=1e-4)


def _changed(crystal: IonicCrystal, change: str, shape: tuple[int, int, int]) -> IonicCrystal:
    if change == "origin":  # by whole grid steps: the barriers of a grid know where it lies
        return dataclasses.replace(crystal, frac=crystal.frac + np.array([3, 5, 7]) / shape)
    if change == "permuted":
        order = np.random.default_rng(3).permutation(len(crystal.numbers))
        names = ("frac", "numbers", "charges", "occupancies")
        return dataclasses.replace(crystal, **{n: getattr(crystal, n)[order] for n in names})
    if change == "axes":
        return dataclasses.replace(crystal, cell=crystal.cell[TURNED], frac=crystal.frac[:, TURNED])
    if change == "rotated":
        rotation, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))
        return dataclasses.replace(crystal, cell=crystal.cell @ rotation)
    doubled = np.vstack([crystal.frac, crystal.frac + np.array([0, 1, 0])]) / DOUBLED
    names = ("numbers", "charges", "occupancies")
    return dataclasses.replace(
        crystal,
        cell=crystal.cell * DOUBLED[:, None],
        frac=doubled,
        **{n: np.tile(getattr(crystal, n), 2) for n in names},
    )


def test_grid_counts_are_even_smooth_and_fine_enough():
    from dualion.screening.bvse.grid import grid_shape

    assert grid_shape(np.diag([4.0, 5.1, 6.3]), 0.2) == (20, 30, 32)
    assert grid_shape(np.diag([0.5, 5.1, 6.3]), 0.2)[0] == 4


def test_skewed_cells_are_reduced_and_give_the_same_barriers():
    """Another basis of the same lattice, seven times as long as it needs to be."""
    crystal = reference_crystal("Li3OCl")
    basis = np.array([[1, 0, 0], [4, 1, 0], [-3, 5, 1]])
    skewed = dataclasses.replace(
        crystal, cell=basis @ crystal.cell, frac=crystal.frac @ np.linalg.inv(basis)
    )
    ion = MobileIon(3, 1.0)
    plain = native_barriers(crystal, ion, BarrierOptions())
    found = native_barriers(skewed, ion, BarrierOptions())
    assert np.prod(found.shape) < 2 * np.prod(plain.shape)
    assert found.refined_ev == pytest.approx(plain.refined_ev, abs=1e-3)


@pytest.mark.parametrize("spacing", [0.0, -1.0, 0.001, 5.0])
def test_senseless_spacing_is_refused(spacing):
    crystal = reference_crystal("LiCl")
    with pytest.raises(InputError, match="spacing"):
        native_barriers(crystal, MobileIon(3, 1.0), BarrierOptions(spacing_angstrom=spacing))


def test_too_fine_a_grid_is_refused_before_memory_is_taken():
    crystal = reference_crystal("Li7P3S11")
    with pytest.raises(UnpreparableStructureError, match="points"):
        native_barriers(crystal, MobileIon(3, 1.0), BarrierOptions(spacing_angstrom=0.02))


def test_bvlain_refuses_disorder():
    crystal = reference_crystal("Li10GeP2S12")
    with pytest.raises(UnpreparableStructureError, match="ordered"):
        bvlain_barriers(crystal, MobileIon(3, 1.0), BarrierOptions())


@pytest.mark.shared_data
def test_parity_on_materials_project_rows():
    """A few seeded rows through the whole reader, as the benchmark does for hundreds."""
    from dualion.structures.files import iter_raw_entries

    path = SHARED / "mp_li.jsonl.gz"
    if not path.exists():
        pytest.skip(f"needs {path}")
    compared = 0
    for number, entry in enumerate(iter_raw_entries([path])):
        if number % 997 or compared >= 3:
            continue
        crystal = prepare(parse_entry(entry).structure)
        if len(crystal.numbers) > 40 or np.abs(crystal.charges % 1.0).max() > 0:
            continue
        ion = MobileIon(3, 1.0)
        options = BarrierOptions(spacing_angstrom=0.4)
        try:
            peer = bvlain_barriers(crystal, ion, options, neighbours=250)
        except MissingParametersError:
            continue
        ours = native_barriers(crystal, ion, options, shape=peer.shape)
        gaps = np.subtract(peer.barriers_ev, ours.barriers_ev)
        gaps = gaps[np.isfinite(ours.barriers_ev)]
        assert (gaps > -ROUNDING_EV).all() and (gaps < PEER_BRACKET_EV + ROUNDING_EV).all()
        compared += 1
    assert compared == 3


def test_a_grid_is_refused_from_one_point_above_the_limit_on(monkeypatch):
    from dualion.screening import barriers

    crystal = reference_crystal("LiCl")
    options = BarrierOptions(spacing_angstrom=1.0, refined=False)
    shape = native_barriers(crystal, MobileIon(3, 1.0), options).shape
    points = shape[0] * shape[1] * shape[2]
    monkeypatch.setattr(barriers, "MAX_GRID_POINTS", points)
    native_barriers(crystal, MobileIon(3, 1.0), options)
    monkeypatch.setattr(barriers, "MAX_GRID_POINTS", points - 1)
    with pytest.raises(UnpreparableStructureError, match=f"{points:,} points") as refused:
        native_barriers(crystal, MobileIon(3, 1.0), options)
    assert refused.value.reason == "cell_too_large"
