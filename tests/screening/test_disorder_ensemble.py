"""Ordered configurations of disordered crystals against crystals that are ordered."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from dualion.screening import disorder_ensemble as ensemble_module
from dualion.screening.barrier_types import BarrierOptions, IonBarriers
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.criterion import DaiCriterion
from dualion.screening.disorder_ensemble import (
    DisorderEnsemble,
    disorder_flags,
    ensemble_barriers,
    ensemble_repeats,
    has_a_chance,
    pair_ensemble,
)
from dualion.screening.hops.mechanisms import mechanism_barriers
from dualion.screening.ions import MobileIon
from dualion.screening.screen import screen_crystal
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import StructureError
from dualion.structures.supercells import make_supercell

LI, CL = MobileIon(3, 1.0), MobileIon(17, -1.0)
COARSE = BarrierOptions(spacing_angstrom=0.4)
CORNERS = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def halides(chlorine):
    """Rock salt Li(Cl, Br) with this share of chlorine on each anion site."""
    frac, numbers, charges, occupancies = [], [], [], []
    shares = [(3, 1.0, CORNERS, 1.0), (17, -1.0, CORNERS + 0.5, chlorine)]
    shares.append((35, -1.0, CORNERS + 0.5, 1.0 - chlorine))
    for number, charge, places, share in shares:
        if share > 0.0:
            frac.append(places)
            numbers += [number] * 4
            charges += [charge] * 4
            occupancies += [share] * 4
    return IonicCrystal(
        cell=5.3 * np.eye(3), frac=np.vstack(frac), numbers=np.array(numbers),
        charges=np.array(charges), occupancies=np.array(occupancies),
    )  # fmt: skip


def test_configurations_of_a_full_crystal_are_the_crystal():
    """Occupancies a rounding below 1 leave one configuration, the ordered crystal itself."""
    ordered = halides(1.0)
    nearly = replace(ordered, occupancies=np.full(8, 0.99999))
    found = ensemble_barriers(nearly, {LI: COARSE, CL: COARSE}, judged="grid", count=2)
    large = make_supercell(ordered, ensemble_repeats(nearly))
    for ion in (LI, CL):
        expected = mechanism_barriers(large, ion, COARSE).barriers_ev
        assert found[ion] == pytest.approx(np.array([expected] * 2), abs=1e-9)


def test_equal_seeds_give_equal_numbers_and_others_others():
    mixed, ions = halides(0.5), {LI: COARSE}
    one, same = (ensemble_barriers(mixed, ions, judged="grid", count=3)[LI] for _ in range(2))
    other = ensemble_barriers(mixed, ions, judged="grid", count=3, seed=1)[LI]
    assert (one == same).all()
    assert (one != other).any()


def test_a_mixed_crystal_is_told_with_its_configurations():
    options = ScreenOptions(barriers=COARSE, disorder="ensemble")
    pair = screen_crystal(halides(0.5), options).pairs[0]
    assert pair.ensemble is not None and len(pair.ensemble.cation_ev) == 6
    assert np.ptp(pair.ensemble.cation_ev[:, 2]) > 0.01  # no two surroundings alike
    weighted = replace(options, disorder="weighted")
    assert screen_crystal(halides(0.5), weighted).pairs[0].ensemble is None
    assert screen_crystal(halides(1.0), options).pairs[0].ensemble is None


INF = math.inf


@pytest.mark.parametrize(
    ("cation", "anion", "chance"),
    [(1.49, 2.24, True), (1.5, 0.5, False), (0.5, 2.25, False), (INF, 0.5, True), (0.5, INF, True)],
)
def test_only_a_high_barrier_is_hopeless(cation, anion, chance):
    assert has_a_chance((cation, 3.0, 3.0), (anion, 3.0, 3.0)) is chance


def test_share_of_configurations_that_pass():
    """0.4 eV beside 0.6 eV passes, beside 0.7 eV it does not; nor does what is blocked."""
    cation = np.full((4, 3), 0.4)
    anion = np.array([[0.6] * 3, [0.7] * 3, [INF] * 3, [0.5] * 3])
    ensemble = DisorderEnsemble(cation_ev=cation, anion_ev=anion)
    assert ensemble.pass_share(DaiCriterion()) == 0.5
    assert ensemble.pass_share(DaiCriterion(max_ratio=2.0)) == 0.75
    assert disorder_flags(ensemble, True, DaiCriterion()) == ()
    assert disorder_flags(ensemble, False, DaiCriterion()) == ("disorder_decides",)
    assert disorder_flags(ensemble, False, DaiCriterion(max_ratio=1.3)) == ()


def test_configurations_without_a_barrier_are_left_out():
    cation = np.array([[0.4] * 3, [math.nan] * 3])
    joined = pair_ensemble(cation, np.full((2, 3), 0.5))
    assert joined is not None and joined.cation_ev.tolist() == [[0.4] * 3]
    assert pair_ensemble(cation[1:], cation[1:]) is None


def test_cells_grow_to_eight_angstrom_within_the_limit():
    assert ensemble_repeats(halides(0.5)) == (2, 2, 2)  # 12 entries × 8
    many = make_supercell(halides(0.5), (2, 2, 4))
    assert ensemble_repeats(many) == (1, 1, 1)


@pytest.mark.parametrize(
    ("edges", "entries", "repeats"),
    [
        ((8.0, 7.9, 4.0), 1, (1, 2, 2)),
        ((8.0 / 3.0, 8.1, 2.6), 1, (3, 1, 4)),
        ((2.0, 4.0, 8.0), 40, (3, 2, 1)),  # 4·2·40 = 320 entries are too many
        ((2.0, 9.0, 9.0), 65, (4, 1, 1)),  # 260 entries are not
        ((3.0, 9.0, 9.0), 87, (2, 1, 1)),  # 3·87 = 261
        ((2.0, 2.0, 2.0), 300, (1, 1, 1)),
    ],
)
def test_repeats_by_hand(edges, entries, repeats):
    crystal = IonicCrystal(
        cell=np.diag(edges), frac=np.zeros((entries, 3)), numbers=np.full(entries, 3),
        charges=np.ones(entries), occupancies=np.full(entries, 0.5),
    )  # fmt: skip
    assert ensemble_repeats(crystal) == repeats


@pytest.mark.parametrize(("entries", "drawn"), [(260, True), (261, False)])
def test_no_more_than_260_entries_are_drawn_from(monkeypatch, entries, drawn):
    asked = []
    monkeypatch.setattr(
        ensemble_module, "sample_configurations", lambda _, **how: asked.append(how) or []
    )
    crystal = IonicCrystal(
        cell=9.0 * np.eye(3), frac=np.zeros((entries, 3)), numbers=np.full(entries, 3),
        charges=np.ones(entries), occupancies=np.full(entries, 0.5),
    )  # fmt: skip
    found = ensemble_barriers(crystal, {LI: COARSE}, judged="grid")
    assert list(found) == ([LI] if drawn else [])
    assert [how["repeat"] for how in asked] == ([(1, 1, 1)] if drawn else [])
    assert [how["count"] for how in asked] == ([6] if drawn else [])


def test_a_configuration_that_cannot_be_computed_is_not_known(monkeypatch):
    """One of two: its barriers are NaN, the other's are told."""
    known = IonBarriers(
        ion=LI, barriers_ev=(0.4,) * 3, from_region_ev=(0.4,) * 3, refined_ev=(0.5,) * 3,
        quality=ParameterQuality.TABULATED, shape=(4, 4, 4),
    )  # fmt: skip
    outcomes = iter([known, StructureError("no")])

    def mechanism(*_):
        if isinstance(outcome := next(outcomes), StructureError):
            raise outcome
        return outcome

    monkeypatch.setattr(ensemble_module, "mechanism_barriers", mechanism)
    nearly = replace(halides(1.0), occupancies=np.full(8, 0.99999))
    found = ensemble_barriers(nearly, {LI: COARSE}, judged="grid", count=2)[LI]
    assert found[0].tolist() == [0.4] * 3
    assert np.isnan(found[1]).all()


@pytest.mark.parametrize(("passed", "total", "dai"), [(2, 4, True), (1, 4, False), (2, 5, False)])
def test_half_of_the_configurations_decide(passed, total, dai):
    anion = np.array([[0.5] * 3] * passed + [[0.9] * 3] * (total - passed))
    ensemble = DisorderEnsemble(cation_ev=np.full((total, 3), 0.5), anion_ev=anion)
    assert disorder_flags(ensemble, dai, DaiCriterion()) == ()
    assert disorder_flags(ensemble, not dai, DaiCriterion()) == ("disorder_decides",)
    empty = DisorderEnsemble(cation_ev=np.empty((0, 3)), anion_ev=np.empty((0, 3)))
    assert math.isnan(empty.pass_share(DaiCriterion()))


def test_a_pair_is_known_where_both_its_ions_are():
    nan = math.nan
    cation = np.array([[0.4] * 3, [nan] * 3, [0.5] * 3, [0.6, 0.6, nan]])
    anion = np.array([[0.7] * 3, [0.8] * 3, [nan, 0.8, 0.8], [0.9] * 3])
    joined = pair_ensemble(cation, anion)
    assert joined.cation_ev.tolist() == [[0.4] * 3]
    assert joined.anion_ev.tolist() == [[0.7] * 3]
    assert pair_ensemble(cation[1:], anion[1:]) is None
