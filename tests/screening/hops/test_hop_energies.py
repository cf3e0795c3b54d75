"""Climbs and clearances of hops, by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ionic

from dualion.screening.bvse.field import framework_of
from dualion.screening.bvse.potential import preset
from dualion.screening.hops import vacancy as vacancy_module
from dualion.screening.hops.hop_energies import HopEnergies, _clearances, _table
from dualion.screening.hops.hop_list import HopList
from dualion.screening.hops.vacancy import _thresholds, vacancy_hops
from dualion.screening.ions import MobileIon
from dualion.structures.errors import UnpreparableStructureError

CHLORIDE = MobileIon(17, -1.0)
DUALION = preset("dualion")


def energies(**changes):
    """Two hops between two sites, the lattice gaining 0.1 to 0.6 eV."""
    given = {
        "ends_ev": np.array([[-3.0, -2.8], [-2.9, -3.1]]), "saddles_ev": np.array([-2.0, -3.05]),
        "vacancies_ev": np.array([3.0, 2.7]), "ends_gain_ev": np.array([[-0.1, -0.2], [-0.3, 0.0]]),
        "saddles_gain_ev": np.array([-0.5, -0.6]), "vacancies_gain_ev": np.array([-0.2, -0.1]),
        "saddles_frac": np.zeros((2, 3)), "converged": np.ones(2, bool),
    }  # fmt: skip
    return HopEnergies(**(given | changes))


def test_an_ion_climbs_from_each_end_and_never_below_zero():
    rigid = energies().rises_ev(relaxing=False)
    assert rigid == pytest.approx(np.array([[1.0, 0.8], [0.0, 0.05]]))
    relaxing = energies().rises_ev(relaxing=True)
    assert relaxing == pytest.approx(np.array([[0.6, 0.5], [0.0, 0.0]]))
    assert energies().sites_ev(relaxing=False) == pytest.approx([3.0, 2.7])
    assert energies().sites_ev(relaxing=True) == pytest.approx([2.8, 2.6])


def test_a_vacancy_climbs_from_the_end_that_the_ion_goes_to():
    """(far + climb from near + near + climb from far) / 2, of a chain along a and one along b."""
    hops = HopList(
        near=np.array([0, 1, 0]), far=np.array([1, 0, 0]),
        cells=np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]]), lengths_angstrom=np.ones(3),
        kinds=np.array([0, 0, 1]), chosen=np.array([0, 2]),
    )  # fmt: skip
    found = _thresholds(hops, energies(), relaxing=False)
    first = 0.5 * (2.7 + 1.0 + 3.0 + 0.8)
    second = 0.5 * (3.0 + 0.0 + 3.0 + 0.05)
    assert found.barriers_ev == pytest.approx((second - 2.7, first - 2.7, np.inf))
    assert found.critical.tolist() == [2, 1, -1]
    relaxing = _thresholds(hops, energies(), relaxing=True)
    assert relaxing.barriers_ev[1] == pytest.approx(0.5 * (2.6 + 0.6 + 2.8 + 0.5) - 2.6)


@pytest.mark.parametrize(("occupancy", "full"), [(0.985, False), (0.995, True)])
def test_a_site_that_is_always_filled_is_left_out_only_at_the_end_itself(occupancy, full):
    """0.1 Å; a partly filled one within the screening length of two chlorides, 2.58 Å.

    F f (r + r) with f = 0.74 and softBV's 1.74 Å. A site that two kinds of chlorine share is as
    full as both together; sulfide and Cl⁷⁺ are no chlorides.
    """
    crystal = ionic(
        6.0 * np.eye(3),
        [[0, 0, 0], [0.5, 0, 0], [0.5, 0, 0], [0.2, 0.5, 0.5], [0.7, 0.6, 0.4], [0.1, 0.1, 0.6]],
        [17, 17, 17, 11, 16, 17], [-1, -1, -3, 1, -2, 7],
        [occupancy, 0.4, occupancy - 0.4, 0.5, 0.5, 0.5],
    )  # fmt: skip
    framework = framework_of(crystal, CHLORIDE, DUALION, own_element_stays=True)
    found = np.empty(6)
    found[framework.entries] = _clearances(crystal, CHLORIDE, framework, DUALION)
    own = 0.1 if full else 0.74 * 2 * 1.74
    assert found == pytest.approx([own, own, own, 0.1, 0.1, 0.1], abs=0.01)


def test_the_tables_of_the_search_end_at_five_angstrom():
    """The pair energy over r², 50 bins a square ångström, less its value at the reach."""
    pair = framework_of(
        ionic(5.0 * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], [17, 55], [-1, 1]), CHLORIDE, DUALION
    ).pairs[0]
    table = _table(pair)
    at = pair.energy_ev(np.array([1.0, 3.0, 5.0, 0.3]))
    assert table[[50, 450, 1250, 0]] == pytest.approx(at - at[2])
    assert len(table) > 1251


def test_more_than_twenty_thousand_distinct_hops_are_refused(monkeypatch, rock_salt):
    class ReachedError(Exception):
        """The hops were not too many."""

    def reached(*_, **__):
        raise ReachedError

    monkeypatch.setattr(vacancy_module, "framework_of", reached)
    for count, error in ((20_000, ReachedError), (20_001, UnpreparableStructureError)):
        hops = SimpleNamespace(chosen=range(count))
        monkeypatch.setattr(vacancy_module, "hops_of", lambda _, hops=hops: hops)
        with pytest.raises(error) as refused:
            vacancy_hops(rock_salt, CHLORIDE)
        if error is UnpreparableStructureError:
            assert refused.value.reason == "cell_too_large"
