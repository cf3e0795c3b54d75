"""``screen_many`` and ``paths``: objects in, results in their order out."""

from __future__ import annotations

from typing import Any

import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

import dualion
from dualion.screening.criterion import DaiCriterion
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.errors import InputError


def rock_salt(a: float, *elements: str) -> Structure:
    places = [[0, 0, 0], [0.5, 0.5, 0.5]]
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), list(elements), places)


@pytest.fixture(scope="module")
def results() -> list[Any]:
    structures = [
        rock_salt(5.13, "Li", "Cl"),
        rock_salt(5.64, "Na", "Cl"),
        AseAtomsAdaptor.get_atoms(rock_salt(4.03, "Li", "F")),
        None,
        rock_salt(6.0, "Li", "I"),
    ]
    options = ScreenOptions(criterion=DaiCriterion(max_ratio=2.0))
    return dualion.screen_many(structures, options=options, workers=2, progress=False)


def test_results_come_in_order_and_equal_those_of_screen(results: list[Any]) -> None:
    anions = [[str(p.anion.ion) for p in getattr(found, "pairs", ())] for found in results]
    assert anions == [["Cl-"], [], ["F-"], [], ["I-"]]
    alone = dualion.screen(rock_salt(5.13, "Li", "Cl"), cation="Li")
    assert results[0].pairs[0].cation.barriers_ev == alone.pairs[0].cation.barriers_ev
    assert results[0].pairs[0].anion.refined_ev == alone.pairs[0].anion.refined_ev


def test_a_failure_is_a_record_with_its_reason(results: list[Any]) -> None:
    sodium, nothing = results[1], results[3]
    assert isinstance(sodium, dualion.ScreenFailure)
    assert (sodium.status, sodium.reason) == ("rejected", "no_cation")
    assert isinstance(nothing, dualion.ScreenFailure)
    assert nothing.reason and nothing.message


def test_nothing_gives_nothing() -> None:
    assert dualion.screen_many([]) == []


def test_paths_has_the_barriers_of_screen() -> None:
    chloride = rock_salt(5.13, "Li", "Cl")
    found = dualion.paths(chloride, "Li")
    (pair,) = dualion.screen(chloride, cation="Li").pairs
    assert str(found.ion) == "Li+"
    assert found.barriers_ev == pytest.approx(pair.cation.barriers_ev, abs=1e-9)
    assert len(found.paths) == 3
    assert str(dualion.paths(chloride, "Cl-").ion) == "Cl-"
    with pytest.raises(InputError, match=r"it holds Li\+, Cl-"):
        dualion.paths(chloride, "Na")
