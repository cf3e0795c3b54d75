"""Occupancies: what is normalised, what is flagged, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import source_servers
from pymatgen.core import Lattice, Structure

from dualion.structures.disorder import SiteTable, read_sites, rebalance_occupancies
from dualion.structures.errors import UnpreparableStructureError
from dualion.structures.preparation import prepare


def rock_salt(cation: object, anion: object = "Cl", a: float = 5.13) -> Structure:
    return source_servers.rock_salt(a, cation, anion)  # type: ignore[arg-type]


def table(occupancies: list[float], sites: list[int], numbers: list[int]) -> SiteTable:
    n = len(sites)
    return SiteTable(
        cell=np.eye(3) * 10,
        frac=np.linspace(0, 0.9, n)[np.array(sites)][:, None] * np.ones(3),
        numbers=np.array(numbers),
        occupancies=np.array(occupancies),
        site_index=np.array(sites),
        given_charges=np.full(n, np.nan),
    )


def test_shared_site_becomes_one_entry_per_species() -> None:
    found = read_sites(rock_salt({"Li": 0.5, "Na": 0.5}))
    assert len(found.numbers) == 12
    assert sorted(set(found.numbers.tolist())) == [3, 11, 17]
    assert found.occupancies[found.numbers == 3].tolist() == [0.5] * 4
    shared = [found.site_index[found.numbers == z].tolist() for z in (3, 11)]
    assert shared[0] == shared[1]


def test_deuterium_is_hydrogen() -> None:
    assert read_sites(rock_salt("Li", "D")).numbers.tolist().count(1) == 4


@pytest.mark.parametrize(
    ("total", "flagged"), [(1.00002, False), (1.03, True)], ids=["rounding", "slight"]
)
def test_slightly_overfull_sites_are_normalised(total: float, flagged: bool) -> None:
    from pymatgen.core import Composition

    structure = rock_salt("Li")
    for site in structure:
        if "Li" in site.species:
            site._species = Composition({"Li": total / 2, "Na": total / 2}, allow_negative=True)
    crystal = prepare(structure)
    assert crystal.occupancies.max() == 1.0
    lithium = crystal.occupancies[crystal.numbers == 3]
    np.testing.assert_allclose(lithium, 0.5, rtol=1e-9)
    assert ("occupancy_normalised" in crystal.flags) is flagged


def test_overfull_sites_are_refused() -> None:
    from pymatgen.core import Composition

    structure = rock_salt("Li")
    structure[0]._species = Composition({"Li": 0.8, "Na": 0.8})
    with pytest.raises(UnpreparableStructureError, match=r"1\.600") as caught:
        prepare(structure)
    assert caught.value.reason == "occupancy_above_one"


def split_chloride(occupancy: float, distance: float) -> Structure:
    """LiCl in a large cell whose lithium is spread over two sites."""
    half = distance / 2 / 6.0
    return Structure(
        Lattice.cubic(6.0),
        [{"Li": occupancy}, {"Li": occupancy}, "Cl"],
        [[-half, 0, 0], [half, 0, 0], [0.5, 0.5, 0.5]],
    )


def test_split_sites_are_kept_and_flagged() -> None:
    crystal = prepare(split_chloride(0.5, 0.6))
    assert "split_sites" in crystal.flags
    assert crystal.occupancies.tolist() == [0.5, 0.5, 1.0]
    assert crystal.occupancy_handling == "weighted"


def test_whole_atoms_on_split_sites_are_refused() -> None:
    with pytest.raises(UnpreparableStructureError, match=r"0\.60 Å apart") as caught:
        prepare(split_chloride(1.0, 0.6))
    assert caught.value.reason == "overlapping_atoms"


def test_split_oxygen_is_no_peroxide() -> None:
    # half-filled O sites 1.5 Å apart exclude each other: oxide, not peroxide
    structure = Structure(
        Lattice.cubic(4.4),
        ["Li", "Li", {"O": 0.5}, {"O": 0.5}],
        [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.33], [0.5, 0, 0.67]],
    )
    crystal = prepare(structure)
    assert set(crystal.charges[crystal.numbers == 8].tolist()) == {-2.0}


def test_vacancies_stay_occupancies() -> None:
    crystal = prepare(rock_salt({"Mg": 0.5}))
    assert crystal.occupancies[crystal.numbers == 12].tolist() == [0.5] * 4
    assert crystal.is_neutral


def test_rounded_occupancies_are_rebalanced_by_the_mobile_ion() -> None:
    # Li0.33 La0.56 TiO3: 0.33 + 1.68 + 4 - 6 = +0.01 e
    perovskite = Structure(
        Lattice.cubic(3.87),
        [{"Li": 0.33, "La": 0.56}, "Ti", "O", "O", "O"],
        [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
    )
    crystal = prepare(perovskite, cell_kind="experiment")
    assert crystal.occupancies[crystal.numbers == 57].tolist() == [0.56]
    assert crystal.occupancies[crystal.numbers == 3] == pytest.approx([0.32])
    assert crystal.charges[crystal.numbers == 22].tolist() == [4.0]
    assert "occupancy_rebalanced" in crystal.flags


def test_full_shared_sites_trade_places() -> None:
    # Li and Mg fill one site: more Mg balances what Li cannot
    entries = table([0.52, 0.48, 1.0, 0.5], [0, 0, 1, 2], [3, 12, 9, 9])
    charges = np.array([1.0, 2.0, -1.0, -1.0])
    changed = rebalance_occupancies(entries, charges, largest_share=0.03)
    assert changed is not None
    assert changed.occupancies[:2] == pytest.approx([0.5, 0.5])
    assert changed.occupancies[2:].tolist() == [1.0, 0.5]


def test_large_imbalance_is_not_repaired() -> None:
    entries = table([0.8, 1.0], [0, 1], [3, 9])
    charges = np.array([1.0, -1.0])
    assert rebalance_occupancies(entries, charges, largest_share=0.03) is None


def test_ordered_cells_are_never_repaired() -> None:
    entries = table([1.0] * 3, [0, 1, 2], [3, 3, 9])
    charges = np.array([1.0, 1.0, -1.0])
    assert rebalance_occupancies(entries, charges, largest_share=0.9) is None


@pytest.mark.parametrize(
    "structure",
    [
        Structure(Lattice.cubic(1e-2), ["Li"], [[0, 0, 0]]),
        Structure(Lattice([[5, 0, 0], [5, 1e-9, 0], [0, 0, 5]]), ["Li"], [[0, 0, 0]]),
        Structure(Lattice([[900, 0, 0], [0, 900, 0], [0, 0, 1e-3]]), ["Li"], [[0, 0, 0]]),
        Structure(Lattice.cubic(5.0), ["Li"], [[np.nan, 0, 0]]),
    ],
    ids=["tiny", "flat", "thin", "nan"],
)
def test_impossible_cells_are_refused(structure: Structure) -> None:
    with pytest.raises(UnpreparableStructureError) as caught:
        prepare(structure)
    assert caught.value.reason in {"flat_cell", "overlapping_atoms", "bad_arrays"}
