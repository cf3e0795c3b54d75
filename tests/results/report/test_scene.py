"""The atoms of the three-dimensional view: whole polyhedra, nothing twice."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.results.report.scene import shown_crystal
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
