"""The atoms of the three-dimensional view: whole polyhedra, nothing twice."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.results.report import scene
from dualion.results.report.scene import _atoms_in_view, shown_crystal
from dualion.structures.crystal import IonicCrystal
from dualion.structures.entry import prepare_entry
from dualion.structures.files import iter_raw_entries, reference_paths
from dualion.structures.records import RawEntry

PATHS = {path.stem: path for path in reference_paths()}


@pytest.mark.parametrize(
    ("name", "centre", "ligands"),
    [("LiFePO4", "P", 4), ("LiFePO4", "Fe", 6), ("LiAlO2_gamma", "Al", 4), ("Li3InCl6", "In", 6)],
)
def test_every_centre_has_all_its_ligands(name: str, centre: str, ligands: int) -> None:
    """PO4, FeO6 of olivine; AlO4 of gamma-LiAlO2; InCl6."""
    (entry,) = iter_raw_entries([PATHS[name]])
    assert isinstance(entry, RawEntry)
    crystal = prepare_entry(entry).crystal
    view = shown_crystal(crystal)
    symbols = [atom[0] for atom in view["atoms"]]
    shells = [shell for shell in view["polyhedra"] if symbols[shell[0]] == centre]
    assert len(shells) >= int((crystal.numbers == crystal.numbers.max()).sum() > 0)
    assert {len(shell) - 1 for shell in shells} == {ligands}
    inside = symbols[: view["inside"]].count(centre)
    assert len(shells) == inside
    keys = [(s, *np.round(at, 3)) for s, at in view["atoms"]]
    assert len(set(keys)) == len(keys)


def test_bonds_are_pairs_within_reach() -> None:
    (entry,) = iter_raw_entries([PATHS["LiFePO4"]])
    assert isinstance(entry, RawEntry)
    view = shown_crystal(prepare_entry(entry).crystal)
    cell, places = np.array(view["cell"]), np.array([at for _, at in view["atoms"]])
    lengths = [np.linalg.norm((places[a] - places[b]) @ cell) for a, b in view["bonds"]]
    assert 1.4 < min(lengths) < 1.7  # P-O
    assert max(lengths) < 2.4  # Fe-O


def crystal_of(cell: float, *atoms: tuple[int, float, float, float]) -> IonicCrystal:
    """Atoms (number, x, y, z in Å) in a cube."""
    return IonicCrystal(
        cell=cell * np.eye(3), frac=np.array([at[1:] for at in atoms]) / cell,
        numbers=np.array([at[0] for at in atoms]), charges=np.ones(len(atoms)),
        occupancies=np.ones(len(atoms)),
    )  # fmt: skip


@pytest.mark.parametrize(("length", "bonds"), [(2.42, [[0, 1]]), (2.46, [])])
def test_a_bond_is_drawn_up_to_1_15_of_the_covalent_radii(length: float, bonds: list) -> None:
    """P and S: 1.07 and 1.05 Å."""
    view = shown_crystal(crystal_of(20.0, (15, 5, 5, 5), (16, 5 + length, 5, 5)))
    assert view["bonds"] == bonds
    assert view["polyhedra"] == []
    assert view["cell"] == (20.0 * np.eye(3)).tolist()
    assert view["atoms"][0] == ["P", [0.25, 0.25, 0.25]]


def test_three_ligands_make_a_polyhedron_and_mobile_metals_none() -> None:
    corners = [(16, 7.0, 5.0, 5.0), (16, 3.0, 5.0, 5.0), (16, 5.0, 7.0, 5.0)]
    view = shown_crystal(crystal_of(20.0, (15, 5, 5, 5), *corners))
    assert view["polyhedra"] == [[0, 1, 2, 3]]
    assert shown_crystal(crystal_of(20.0, (15, 5, 5, 5), *corners[:2]))["polyhedra"] == []
    assert shown_crystal(crystal_of(20.0, (15, 5, 5, 5), *corners[:2]))["bonds"] == [[0, 1], [0, 2]]
    assert shown_crystal(crystal_of(20.0, (3, 5, 5, 5), *corners))["bonds"] == []


def test_ligands_behind_a_face_are_added_once() -> None:
    view = shown_crystal(crystal_of(20.0, (15, 0.5, 5, 5), (16, 18.5, 5, 5), (16, 2.5, 5, 5)))
    assert (view["inside"], len(view["atoms"])) == (3, 4)
    assert view["atoms"][3] == ["S", [-0.075, 0.25, 0.25]]
    assert view["bonds"] == [[0, 2], [0, 3]]


@pytest.mark.parametrize(
    ("x", "places"),
    [(0.0009, [0.0009, 1.0009]), (0.0011, [0.0011]), (0.9989, [0.9989]), (0.9991, [0.0, 1.0])],
)
def test_an_atom_on_a_face_is_shown_on_both(x: float, places: list[float]) -> None:
    numbers, found = _atoms_in_view(crystal_of(1.0, (3, x, 0.5, 0.5)))
    assert numbers.tolist() == [3] * len(places)
    np.testing.assert_allclose(found[:, 0], places)


def test_a_large_cell_is_shown_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "MOST_ATOMS", 3)
    many = crystal_of(20.0, *[(3, 2.0 * n + 1.0, 5.0, 5.0) for n in range(6)])
    assert len(shown_crystal(many)["atoms"]) == 3
    ligands = [(16, 5 + dx, 5 + dy, 5.0) for dx, dy in ((2, 0), (-2, 0), (0, 2), (0, -2))]
    bound = crystal_of(20.0, (15, 5, 5, 5), *ligands)
    assert len(shown_crystal(bound)["atoms"]) == 3
    monkeypatch.setattr(scene, "MOST_ATOMS", 5)
    assert len(shown_crystal(bound)["polyhedra"][0]) == 5
