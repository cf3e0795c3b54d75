"""``screen_many`` and ``paths``: objects in, results in their order out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from distributed import Client, LocalCluster
from monty.json import MontyDecoder, MontyEncoder
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

import dualion
from dualion.results.columns import SCREENED
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


def test_results_become_a_table_with_the_columns_of_the_run(results: Any) -> None:
    frame = results.to_dataframe()
    assert list(frame["source_id"]) == ["0", "1", "2", "3", "4"]
    assert list(frame["status"]) == ["ok", "rejected", "ok", "rejected", "ok"]
    assert list(frame["reduced_formula"][[0, 2, 4]]) == ["LiCl", "LiF", "LiI"]
    assert frame["space_group"][0] == "Fm-3m"
    assert frame["e3d_cation_ev"][0] == results[0].pairs[0].cation_ev.e3d
    assert frame["dai"][0] == results[0].pairs[0].verdict.dai
    assert frame["e_calibrated_cation_ev"].notna()[0]
    assert frame.attrs["units"]["e3d_cation_ev"] == "eV"
    assert "guest" not in "".join(frame.columns), "columns without a value are left out"
    assert len(results.to_dataframe(empty_columns=True).columns) == len(SCREENED)
    assert "ScreenResults(5 structures" in repr(results)
    assert "<table" in results._repr_html_()


def test_the_failures_of_a_table_keep_their_words(results: Any) -> None:
    frame = results.to_dataframe()
    assert frame["reason"][1] == "no_cation"
    assert frame["message"][1] == results[1].message
    assert frame["cation"][1] == "Li"


def test_results_go_through_montys_json_and_back() -> None:
    found = dualion.guest(rock_salt(5.13, "Li", "Cl"), "I,Br")
    again = json.loads(json.dumps(found, cls=MontyEncoder), cls=MontyDecoder)
    assert isinstance(again, dualion.ScreenResult)
    assert again.pairs == found.pairs
    assert again.pairs[0].cation.barriers_ev.e3d == found.pairs[0].cation.barriers_ev.e3d
    assert np.array_equal(again.crystal.cell, found.crystal.cell)
    assert [str(one.guest.guest) for one in again.guests] == ["I-", "Br-"]
    assert np.array_equal(again.guests[0].guest.site_frac, found.guests[0].guest.site_frac)
    assert dualion.ScreenResult.from_dict(found.as_dict()).pairs == found.pairs
    failure = dualion.ScreenFailure(status="failed", reason="x", message="y")
    assert dualion.ScreenFailure.from_dict(failure.as_dict()) == failure


def test_results_are_short_in_a_prompt_and_a_table_in_a_notebook() -> None:
    found = dualion.screen(rock_salt(5.13, "Li", "Cl"), cation="Li")
    told = "Li+/Cl- pass" if found.dai else "none passes"
    assert repr(found) == f"ScreenResult(LiCl: 1 judged, 0 failed, {told})"
    assert len(repr(found.pairs[0])) < 120
    assert found._repr_html_().count("<tr>") == 2


def test_a_guest_is_judged_in_its_host() -> None:
    found = dualion.guest(rock_salt(5.13, "Li", "Cl"), "I")
    (one,) = found.guests
    assert str(one.guest.guest) == "I-"
    assert str(one.cation.ion) == "Li+"


def test_paths_name_their_barriers_draw_and_become_a_structure() -> None:
    found = dualion.paths(rock_salt(5.13, "Li", "Cl"), "Li")
    assert found.barriers == found.refined_ev
    assert found.barriers.e3d == found.barriers[2]
    assert len(found.plot().axes) == 3
    structure = found.to_structure()
    dummies = [site for site in structure if site.specie.symbol == "X"]
    assert len(structure) - len(dummies) == len(found.crystal.numbers)
    assert len(dummies) > 10
    assert "Li+ in LiCl" in repr(found)
    assert found._repr_html_().count("<tr>") == 4


def test_the_users_own_dask_cluster_does_the_work() -> None:
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        structures = [rock_salt(5.13, "Li", "Cl"), rock_salt(4.03, "Li", "F")]
        found = dualion.screen_many(structures, client=client, progress=False)
        assert [len(one.pairs) for one in found] == [1, 1]  # type: ignore[union-attr]
        assert client.submit(sum, [1, 2]).result() == 3, "the cluster stays the user's"
