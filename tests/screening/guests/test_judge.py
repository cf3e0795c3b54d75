"""The verdict on guests: both sides of every threshold, and every flag."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from crystals import reference_crystal

from dualion.screening.barrier_types import UNKNOWN, IonBarriers
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.criterion import DaiCriterion
from dualion.screening.guests.barriers import GuestResult, guest_barriers
from dualion.screening.guests.judge import (
    MAX_INSERTION_EV,
    GuestFailure,
    GuestPair,
    guest_fits,
    judge_guest,
    screen_guest,
)
from dualion.screening.guests.room import Room
from dualion.screening.ions import MobileIon
from dualion.structures.errors import UnpreparableStructureError

LITHIUM, IODIDE = MobileIon(3, 1.0), MobileIon(53, -1.0)


def ion_barriers(ion, e3d, quality=ParameterQuality.TABULATED):
    triple = (e3d, e3d, e3d)
    return IonBarriers(
        ion=ion, barriers_ev=triple, from_region_ev=triple, refined_ev=triple, quality=quality,
        shape=(4, 4, 4), mechanism="interstitial", rigid_ev=triple,
    )  # fmt: skip


def guest(in_place, removed=None, share=0.8, quality=ParameterQuality.TABULATED):
    cut = ion_barriers(IODIDE, removed if removed is not None else in_place)
    if removed is None:
        cut = dataclasses.replace(cut, barriers_ev=UNKNOWN)
    return GuestResult(
        guest=IODIDE, cation=LITHIUM, in_place=ion_barriers(IODIDE, in_place, quality),
        removed=cut, removed_reason="" if removed is not None else "nothing attracts",
        insertion_ev=0.2, insertion_rigid_ev=0.7, site_frac=np.zeros(3),
        room=Room(radius_angstrom=1.0, share=share, nearest_element="S", nearest_angstrom=3.0),
    )  # fmt: skip


@pytest.fixture(scope="module")
def host():
    return reference_crystal("Li3PS4_gamma")


@pytest.mark.parametrize(
    ("lithium", "iodide", "passes"),
    [(0.4, 0.2, True), (0.4, 0.19, False), (0.4, 0.6, True), (0.4, 0.61, False), (1.0, 1.0, False),
     (0.99, 1.0, True), (0.4, np.inf, False)],
)  # fmt: skip
def test_the_criterion_is_that_of_ordinary_pairs(host, lithium, iodide, passes):
    pair = judge_guest(host, ion_barriers(LITHIUM, lithium), guest(iodide), DaiCriterion())
    assert pair.verdict.dai is passes
    assert "guest_anion" in pair.flags


@pytest.mark.parametrize(
    ("share", "insertion", "fits"),
    [(0.599, 0.2, False), (0.6, 0.2, True), (0.6, 1.2, True), (0.6, 1.201, False)],
)
def test_a_guest_without_a_place_does_not_pass(host, share, insertion, fits):
    assert guest_fits(share, insertion) is fits
    result = dataclasses.replace(guest(0.4, share=share), insertion_ev=insertion)
    pair = judge_guest(host, ion_barriers(LITHIUM, 0.4), result, DaiCriterion())
    assert pair.verdict.dai is fits
    assert pair.verdict.dimensions == ("1D;2D;3D" if fits else "")
    assert ("guest_does_not_fit" in pair.flags) is not fits
    assert pair.verdict.ratios == (1.0, 1.0, 1.0)


HALIDES = ("LiF", "LiCl", "LiBr", "LiI", "NaF", "NaCl", "NaI", "KF", "KCl", "KI")


def test_the_limit_of_the_insertion_energy_is_the_costliest_interstitial_of_a_halide():
    """Each anion as a guest in its own salt."""
    found = {}
    for name in HALIDES:
        salt = reference_crystal(name)
        cation, anion = (
            MobileIon(int(salt.numbers[salt.charges * sign > 0][0]), float(sign))
            for sign in (1, -1)
        )
        found[name] = guest_barriers(salt, anion, cation).insertion_ev
    costliest = max(found, key=lambda name: found[name])
    assert costliest == "LiF"
    assert found[costliest] == pytest.approx(MAX_INSERTION_EV, abs=0.02)
    assert sorted(found.values())[-2] < 1.0


@pytest.mark.parametrize(("removed", "flagged"), [(0.4, False), (0.61, True), (None, False)])
def test_cations_that_decide_are_told(host, removed, flagged):
    pair = judge_guest(
        host, ion_barriers(LITHIUM, 0.4), guest(0.5, removed=removed), DaiCriterion()
    )
    assert ("guest_cations_decide" in pair.flags) is flagged


def test_estimated_parameters_and_disorder_are_flagged():
    disordered = reference_crystal("Li6PS5Cl0.25Br0.75")
    pair = judge_guest(
        disordered,
        ion_barriers(LITHIUM, 0.4),
        guest(0.5, quality=ParameterQuality.ESTIMATED),
        DaiCriterion(),
    )
    assert {"estimated_parameters", "weighted_occupancies"} <= set(pair.flags)


def test_a_guest_is_computed_and_judged(host):
    pair = screen_guest(host, IODIDE, (LITHIUM, ion_barriers(LITHIUM, 0.6)), DaiCriterion())
    assert isinstance(pair, GuestPair)
    assert pair.verdict.ratios[2] == pytest.approx(pair.guest.in_place.barriers_ev[2] / 0.6)


def test_a_cation_or_a_pair_without_numbers_is_a_failure_with_its_reason(host):
    lost = UnpreparableStructureError("No field. Give another.", reason="no_counter_ions")
    failure = screen_guest(host, IODIDE, (LITHIUM, lost), DaiCriterion())
    assert isinstance(failure, GuestFailure)
    assert (failure.reason, failure.message) == ("no_counter_ions", "No field. Give another.")
    no_anion = screen_guest(
        host, MobileIon(26, -2.0), (LITHIUM, ion_barriers(LITHIUM, 0.6)), DaiCriterion()
    )
    assert isinstance(no_anion, GuestFailure)
    assert no_anion.reason == "missing_parameters"


@pytest.mark.parametrize(
    ("of_cation", "of_guest", "flag"),
    [
        (ParameterQuality.TABULATED, ParameterQuality.TABULATED, None),
        (ParameterQuality.INTERPOLATED, ParameterQuality.TABULATED, "interpolated_parameters"),
        (ParameterQuality.INTERPOLATED, ParameterQuality.ESTIMATED, "estimated_parameters"),
    ],
)
def test_the_worse_parameters_of_both_ions_are_flagged(host, of_cation, of_guest, flag):
    lithium = dataclasses.replace(ion_barriers(LITHIUM, 0.4), quality=of_cation)
    pair = judge_guest(host, lithium, guest(0.5, quality=of_guest), DaiCriterion())
    found = {name for name in pair.flags if name.endswith("_parameters")}
    assert found == ({flag} if flag else set())


def test_flags_are_there_only_where_the_host_has_the_cause(host):
    plain = dataclasses.replace(
        host, occupancies=np.ones(len(host.numbers)), oxidation_method="given", flags=()
    )
    for change, flag in (
        ({"occupancies": np.full(len(host.numbers), 0.9)}, "weighted_occupancies"),
        ({"oxidation_method": "composition"}, "oxidation_states_guessed"),
        ({"flags": ("of_the_host",)}, "of_the_host"),
    ):
        for crystal, expected in ((plain, False), (dataclasses.replace(plain, **change), True)):
            pair = judge_guest(crystal, ion_barriers(LITHIUM, 0.4), guest(0.5), DaiCriterion())
            assert (flag in pair.flags) is expected
            assert pair.flags.count("guest_anion") == 1


def test_a_guest_without_a_place_passes_by_no_reading(host):
    nowhere = judge_guest(host, ion_barriers(LITHIUM, 0.4), guest(0.4, share=0.5), DaiCriterion())
    verdict = nowhere.verdict
    assert verdict.passes == verdict.passes_other_reading == (False, False, False)
    assert not verdict.dai and not verdict.dai_other_reading
    assert verdict.flags == ()
    assert verdict.cation_below
