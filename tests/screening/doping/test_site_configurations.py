"""Changes of single sites: distances on both sides, the changed crystal, samples."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dualion.screening.doping import site_configurations
from dualion.screening.doping.changeable_points import (
    Points,
    changeable_points,
    symmetric_choices,
)
from dualion.screening.doping.configurations import (
    DopedConfiguration,
    _select_configurations,
    site_changes,
)
from dualion.screening.doping.formula_unit_changes import FormulaUnitChange
from dualion.screening.doping.site_configurations import (
    Configuration,
    SiteChange,
    apply_changes,
    distinct_configurations,
)
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError

SIDE = 30.0
LITHIUM, IODIDE, BROMIDE = MobileIon(3, 1.0), MobileIon(53, -1.0), MobileIon(35, -1.0)


def host_at(*places: tuple[int, float, float]) -> IonicCrystal:
    """Ions (number, charge, x in Å) on a line of a large cube."""
    return IonicCrystal(
        cell=SIDE * np.eye(3),
        frac=np.array([[x / SIDE, 0.0, 0.0] for _, _, x in places]),
        numbers=np.array([number for number, _, _ in places]),
        charges=np.array([charge for _, charge, _ in places]),
        occupancies=np.ones(len(places)),
    )


def points_at(host: IonicCrystal, *places: float) -> Points:
    """Insertion sites at x Å on the line y = 10 Å, without symmetry."""
    sites = np.array([[x / SIDE, 10.0 / SIDE, 0.0] for x in places]).reshape(-1, 3)
    frac = np.vstack([host.frac, sites])
    return Points(host=host, frac=frac, permutations=np.arange(len(frac))[None])


SALT = host_at((3, 1.0, 0.0), (53, -1.0, 15.0))


def ways(points: Points, *changes: SiteChange) -> int:
    try:
        return distinct_configurations(points, changes, most=100, seed=0).distinct
    except InputError as error:
        if "keeps the inserted ions apart" not in str(error):
            raise
        return 0


def insert(ion: MobileIon, count: int, points: list[int]) -> SiteChange:
    return SiteChange(action="insert", ion=ion, count=count, points=np.array(points))


@pytest.mark.parametrize(
    ("apart", "allowed"),
    [(1.95, False), (2.0 + 1e-9, True), (2.05, True)],
)
def test_inserted_ions_of_opposite_charge_keep_two_angstrom(apart: float, allowed: bool) -> None:
    points = points_at(SALT, 5.0, 5.0 + apart)
    assert bool(ways(points, insert(LITHIUM, 1, [2]), insert(IODIDE, 1, [3]))) is allowed


@pytest.mark.parametrize(
    ("ion", "balance", "apart", "allowed"),
    [
        (LITHIUM, (53, -1.0), 2.95, False),  # radii of 0.90 Å touch nearer
        (LITHIUM, (53, -1.0), 3.05, True),
        (IODIDE, (3, 1.0), 4.05, False),  # crystal radii of 2.06 Å
        (IODIDE, (3, 1.0), 4.15, True),
    ],
)
def test_inserted_ions_of_one_sign_keep_three_angstrom_and_their_radii(
    ion: MobileIon, balance: tuple[int, float], apart: float, allowed: bool
) -> None:
    host = host_at((*balance, 0.0), (*balance, 15.0))
    points = points_at(host, 5.0, 5.0 + apart)
    assert bool(ways(points, insert(ion, 2, [2, 3]))) is allowed


@pytest.mark.parametrize(
    ("inserted", "apart", "allowed"),
    [(LITHIUM, 2.95, False), (LITHIUM, 3.05, True), (MobileIon(11, 1.0), 0.5, True)],
)
def test_an_ion_does_not_fill_its_own_vacancy(
    inserted: MobileIon, apart: float, allowed: bool
) -> None:
    points = points_at(SALT)
    sites = np.array([[0.0, apart / SIDE, 0.0]])
    points = Points(host=SALT, frac=np.vstack([SALT.frac, sites]), permutations=np.arange(3)[None])
    removed = SiteChange(action="remove", ion=LITHIUM, count=1, points=np.array([0]))
    assert bool(ways(points, insert(inserted, 1, [2]), removed)) is allowed


def test_one_point_changes_once_and_others_may_be_near() -> None:
    host = host_at((3, 1.0, 0.0), (3, 1.0, 1.0), (53, -1.0, 15.0), (53, -1.0, 16.0))
    changes = [
        SiteChange(action="remove", ion=LITHIUM, count=1, points=np.array([0, 1])),
        SiteChange(action="replace", ion=MobileIon(12, 2.0), count=1, points=np.array([0, 1])),
    ]
    found = distinct_configurations(points_at(host), changes, most=100, seed=0)
    assert [one.choice for one in found.configurations] == [((0,), (1,)), ((1,), (0,))]
    assert (found.distinct, found.combinations, found.complete) == (2, 4, True)


def test_a_changed_crystal_keeps_the_order_and_ends_with_what_is_inserted() -> None:
    host = host_at((3, 1.0, 0.0), (12, 2.0, 3.0), (53, -1.0, 15.0), (53, -1.0, 20.0))
    points = points_at(host, 7.0, 12.0)
    changes = [
        SiteChange(action="replace", ion=LITHIUM, count=1, points=np.array([1])),
        SiteChange(action="remove", ion=IODIDE, count=1, points=np.array([2, 3])),
        insert(BROMIDE, 2, [4, 5]),
    ]
    found = apply_changes(points, changes, ((1,), (2,), (4, 5)))
    assert found.numbers.tolist() == [3, 3, 53, 35, 35]
    assert found.charges.tolist() == [1.0, 1.0, -1.0, -1.0, -1.0]
    assert found.occupancies.tolist() == [1.0] * 5
    np.testing.assert_allclose(SIDE * found.frac[:, 0], [0.0, 3.0, 20.0, 7.0, 12.0])
    assert host.numbers.tolist() == [3, 12, 53, 53]  # the host itself is as before


@pytest.mark.parametrize(("charge", "refused"), [(-1.0009, False), (-1.0011, True)])
def test_the_changed_cell_is_neutral_within_a_thousandth(charge: float, refused: bool) -> None:
    points = points_at(SALT, 5.0, 10.0)
    changes = [insert(LITHIUM, 1, [2]), insert(MobileIon(53, charge), 1, [3])]
    if refused:
        with pytest.raises(InputError, match="carry a charge"):
            distinct_configurations(points, changes, most=5, seed=0)
    else:
        assert distinct_configurations(points, changes, most=5, seed=0).distinct == 1


def test_more_places_than_asked_for_are_chosen_from_and_all_may_be() -> None:
    points = points_at(host_at((53, -1.0, 0.0), (53, -1.0, 15.0)), 5.0, 12.0)
    assert ways(points, insert(LITHIUM, 2, [2, 3])) == 1
    with pytest.raises(InputError, match="2 places to insert Li"):
        ways(points, insert(LITHIUM, 3, [2, 3]))


def test_a_sample_has_as_many_as_asked_and_says_how_many_there_are() -> None:
    host = host_at(*[(3, 1.0, 3.0 * i) for i in range(5)], *[(53, -1.0, 3.0 * i) for i in range(5)])
    removed = [
        SiteChange(action="remove", ion=LITHIUM, count=1, points=np.arange(5)),
        SiteChange(action="remove", ion=IODIDE, count=1, points=np.arange(5, 10)),
    ]
    for most, complete in ((25, True), (24, False), (3, False)):
        found = distinct_configurations(points_at(host), removed, most=most, seed=1)
        assert len(found.configurations) == min(most, 25)
        assert (found.distinct, found.complete) == (25, complete)
        choices = [one.choice for one in found.configurations]
        assert choices == sorted(choices)
        assert {one.degeneracy for one in found.configurations} == {1}


@pytest.mark.parametrize(("each", "counted"), [(5, True), (6, False)])
def test_what_is_too_much_to_count_is_sampled(
    monkeypatch: pytest.MonkeyPatch, each: int, counted: bool
) -> None:
    """With 25 ways to look at, 5² are counted and 6² are not."""
    monkeypatch.setattr(site_configurations, "ENUMERATED", 25)
    host = host_at(*[(3, 1.0, 0.1 * i) for i in range(each)], *[(53, -1.0, 9.0)] * each)
    removed = [
        SiteChange(action="remove", ion=LITHIUM, count=1, points=np.arange(each)),
        SiteChange(action="remove", ion=IODIDE, count=1, points=np.arange(each, 2 * each)),
    ]
    found = distinct_configurations(points_at(host), removed, most=2, seed=0)
    assert found.combinations == each**2
    assert found.distinct == (each**2 if counted else -1)
    assert len(found.configurations) == 2
    assert len({one.choice for one in found.configurations}) == 2
    assert not found.complete


@pytest.mark.parametrize(("off", "kept"), [(0.095, True), (0.105, False)])
def test_points_a_fifth_of_an_angstrom_apart_are_images_of_each_other(
    rock_salt: IonicCrystal, off: float, kept: bool
) -> None:
    """Eight tetrahedra of rock salt, one moved: a turn about its place moves it by twice that."""
    corners = np.array(list(np.ndindex(2, 2, 2))) / 2.0 + 0.25
    whole = changeable_points(rock_salt, [corners])
    assert len(whole.permutations) == 192
    moved = corners.copy()
    moved[0, 0] += off / 5.13
    found = changeable_points(rock_salt, [moved])
    assert (len(found.permutations) == 192) is kept
    assert len(symmetric_choices(whole, ((), (8,)))) == 8
    assert symmetric_choices(whole, ((0,), (8,))) == sorted(symmetric_choices(whole, ((0,), (8,))))


def test_changes_are_the_units_times_their_counts_and_anions_come_first() -> None:
    host = host_at((3, 1.0, 0.0), (3, 1.0009, 3.0), (3, 1.002, 6.0), (16, -2.0, 9.0))
    unit = FormulaUnitChange(
        name="all", inserted=((LITHIUM, 2), (IODIDE, 1)), removed=((LITHIUM, 1),),
        replaced=((MobileIon(16, -2.0), MobileIon(34, -2.0), 1),),
    )  # fmt: skip
    of_ion = {LITHIUM: np.array([4, 5]), IODIDE: np.array([6])}
    found = [
        (c.action, c.ion, c.count, c.points.tolist()) for c in site_changes(host, unit, 3, of_ion)
    ]
    assert found == [
        ("replace", MobileIon(34, -2.0), 3, [3]),
        ("remove", LITHIUM, 3, [0, 1]),
        ("insert", IODIDE, 3, [6]),
        ("insert", LITHIUM, 6, [4, 5]),
    ]


@pytest.mark.parametrize(("most", "lowest"), [(4, 2), (5, 3), (1, 1)])
def test_half_are_the_lowest_and_half_are_of_the_rest(most: int, lowest: int) -> None:
    energies = [5.0, 3.0, 9.0, 1.0, 7.0, 2.0, 8.0]
    rated = [
        DopedConfiguration(
            configuration=Configuration(choice=((n,),), degeneracy=1, crystal=SimpleNamespace()),
            estimate_ev=energy,
        )
        for n, energy in enumerate(energies)
    ]
    found = [one.estimate_ev for one in _select_configurations(rated, most, seed=0)]
    assert len(found) == most
    assert found == sorted(found)
    assert found[:lowest] == sorted(energies)[:lowest]
    others = {
        tuple(one.estimate_ev for one in _select_configurations(rated, most, seed=seed))[lowest:]
        for seed in range(8)
    }
    assert (len(others) > 1) is (most > lowest)
    every = _select_configurations(rated, 7, seed=0)
    assert [one.estimate_ev for one in every] == sorted(energies)
    # Estimates that are equal to a millionth are ordered by their points.
    same = [
        rated[3],
        DopedConfiguration(configuration=rated[1].configuration, estimate_ev=1.0 + 1e-9),
    ]
    assert _select_configurations(same, 2, seed=0)[0].configuration.choice == ((1,),)
