"""Sites too close to be there together: refused, flagged, or given one place in common."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from dualion.structures.contacts import check_contacts
from dualion.structures.disorder import SiteTable
from dualion.structures.errors import UnpreparableStructureError
from dualion.structures.preparation import prepare

CLOSE_ANGSTROM = 0.3


def chain(occupancies: list[float], sites: list[int] | None = None) -> SiteTable:
    """Oxygen entries in a row, each on top of the next."""
    n = len(occupancies)
    index = np.arange(n) if sites is None else np.array(sites)
    return SiteTable(
        cell=np.eye(3) * 20.0,
        frac=index[:, None] * np.array([CLOSE_ANGSTROM / 20, 0, 0]),
        numbers=np.full(n, 8),
        occupancies=np.array(occupancies),
        site_index=index,
        given_charges=np.full(n, np.nan),
    )


def checked(table: SiteTable, pairs: list[tuple[int, int]], *, weight: bool = True) -> SiteTable:
    both = np.array(pairs + [(b, a) for a, b in pairs])
    distances = np.full(len(both), CLOSE_ANGSTROM)
    return check_contacts(table, both[:, 0], both[:, 1], distances, weight_crowded=weight)


def test_two_full_sites_share_one_place() -> None:
    found = checked(chain([1.0, 1.0, 0.5]), [(0, 1)])
    assert found.occupancies.tolist() == [0.5, 0.5, 0.5]
    assert found.flags == ("split_sites", "crowded_sites_weighted")


def test_a_chain_holds_one_atom_per_neighbourhood_not_per_chain() -> None:
    found = checked(chain([1.0] * 5 + [0.5]), [(0, 1), (1, 2), (2, 3), (3, 4)])
    assert found.occupancies == pytest.approx([1 / 3] * 5 + [0.5])


def test_a_shared_site_keeps_the_ratio_of_its_species() -> None:
    table = chain([0.6, 0.4, 1.0], sites=[0, 0, 1])
    found = checked(table, [(0, 2), (1, 2)])
    assert found.occupancies[2] + found.occupancies[:2].sum() == pytest.approx(1.0)
    assert found.occupancies[0] / found.occupancies[1] == pytest.approx(1.5)


@pytest.mark.parametrize("seed", range(5))
def test_no_place_ends_with_more_than_one_atom(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = chain(rng.uniform(0.7, 1.0, 12).tolist())
    pairs = [(a, b) for a in range(12) for b in range(a + 1, 12) if rng.random() < 0.25]
    occupancies = checked(table, pairs).occupancies
    assert all(occupancies[a] + occupancies[b] <= 1 + 1e-9 for a, b in pairs)
    for a in range(12):
        group = {a} | {y for x, y in pairs if x == a} | {x for x, y in pairs if y == a}
        assert occupancies[sorted(group)].sum() <= 1 + 1e-9


@pytest.mark.parametrize(
    ("table", "pairs", "weight"),
    [
        (chain([1.0, 1.0, 1.0]), [(0, 1)], True),
        (chain([1.0, 1.0, 0.5]), [(0, 1)], False),
        (chain([1.0, 1.0, 0.5]), [(0, 0)], True),
    ],
    ids=["ordered", "strict", "own image"],
)
def test_errors_stay_errors(table: SiteTable, pairs: list[tuple[int, int]], weight: bool) -> None:
    with pytest.raises(UnpreparableStructureError, match=r"0\.30 Å apart") as caught:
        checked(table, pairs, weight=weight)
    assert caught.value.reason == "overlapping_atoms"


def test_split_anions_that_were_read_as_full() -> None:
    """A fluoride surrounded by two oxide positions at 0.6 Å, beside half-filled lithium."""
    structure = Structure(
        Lattice.cubic(6.0),
        [{"Li": 0.5}, {"Li": 0.5}, "Mg", "O", "F"],
        [[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0.5, 0.5, 0.5], [0.6, 0.5, 0.5]],
    )
    crystal = prepare(structure)
    assert "crowded_sites_weighted" in crystal.flags
    assert crystal.is_neutral
    assert crystal.occupancies[-2:].tolist() == [0.5, 0.5]
    with pytest.raises(UnpreparableStructureError):
        prepare(structure, strict=True)
