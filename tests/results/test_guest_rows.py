"""Rows of guests: whole rows, told apart from own anions, judged anew like the first time."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from dualion.results.columns import GUEST, SCREENED
from dualion.results.guest_rows import anion_name, guest_salt, is_guest
from dualion.results.rejudging import rejudge
from dualion.results.rows import Identity, known_barriers, result_rows
from dualion.results.run_folder import identity
from dualion.results.tables import read_table, write_table
from dualion.screening.barrier_types import UNKNOWN, IonBarriers
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.criterion import DaiCriterion
from dualion.screening.guests.barriers import GuestResult
from dualion.screening.guests.judge import GuestFailure, judge_guest
from dualion.screening.guests.room import Room
from dualion.screening.ions import MobileIon
from dualion.screening.screen import screen_crystal
from dualion.screening.screen_options import ScreenOptions
from dualion.screening.screen_result import ScreenResult
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.preparation import prepare

LITHIUM, IODIDE = MobileIon(3, 1.0), MobileIon(53, -1.0)
HERE = Identity(source="here", source_id="one", metadata={})
CRYSTAL = IonicCrystal(
    cell=4.0 * np.eye(3), frac=np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]),
    numbers=np.array([3, 17]), charges=np.array([1.0, -1.0]), occupancies=np.ones(2),
)  # fmt: skip


def barriers(ion, start, rigid=1.0):
    triple = (start, start + 0.01, start + 0.02)
    return IonBarriers(
        ion=ion, barriers_ev=triple, from_region_ev=(0.11, 0.12, 0.13), refined_ev=triple,
        quality=ParameterQuality.TABULATED, shape=(4, 4, 4), mechanism="interstitial",
        rigid_ev=(rigid, rigid + 0.01, rigid + 0.02),
    )  # fmt: skip


LI = barriers(LITHIUM, 0.40)
RESULT = GuestResult(
    guest=IODIDE, cation=LITHIUM,
    in_place=barriers(IODIDE, 0.50), removed=barriers(IODIDE, 0.70, 2.0),
    removed_reason="", insertion_ev=0.3, insertion_rigid_ev=0.9, site_frac=np.zeros(3),
    room=Room(radius_angstrom=1.1, share=0.72, nearest_element="Cl", nearest_angstrom=2.7),
)  # fmt: skip


def row_of(result=RESULT, criterion=None):
    pair = judge_guest(CRYSTAL, LI, result, criterion or DaiCriterion())
    return result_rows(HERE, ScreenResult(crystal=CRYSTAL, pairs=(), guests=(pair,)))[0]


def test_each_number_stands_in_its_own_column():
    row = row_of()
    for n in (1, 2, 3):
        assert row[f"e{n}d_anion_ev"] == row[f"e{n}d_anion_refined_ev"] == 0.5 + 0.01 * (n - 1)
        assert row[f"e{n}d_anion_rigid_ev"] == 1.0 + 0.01 * (n - 1)
        assert row[f"guest_e{n}d_no_cations_ev"] == 0.7 + 0.01 * (n - 1)
        assert row[f"guest_e{n}d_no_cations_rigid_ev"] == 2.0 + 0.01 * (n - 1)
        assert row[f"ratio_{n}d"] == row[f"e{n}d_anion_ev"] / row[f"e{n}d_cation_ev"]
    assert (row["guest_insertion_ev"], row["guest_insertion_rigid_ev"]) == (0.3, 0.9)
    assert (row["guest_room_angstrom"], row["guest_room_share"]) == (1.1, 0.72)
    assert (row["cation"], row["anion"], row["dai"]) == ("Li+", "I-", True)
    assert (row["anion_bound"], row["anion_bound_fraction"]) == (False, 0.0)
    assert {column.key for column in GUEST} <= set(row)
    assert set(row) <= {column.key for column in SCREENED} | {"n_sites"}


def test_a_guest_and_an_own_anion_of_one_element_are_two_rows():
    (record,) = read_structures([p for p in reference_paths() if p.stem == "Li6PS5I"])
    options = ScreenOptions(guests=("I", "Cl"))
    rows = result_rows(HERE, screen_crystal(prepare(record.structure), options))
    assert [anion_name(row) for row in rows] == ["S2-", "I-", "I- guest", "Cl- guest"]
    assert len({identity(row) for row in rows}) == 4
    own, guest = rows[1], rows[2]
    assert own["anion"] == guest["anion"] == "I-"
    assert "I-" in known_barriers(own)
    assert set(known_barriers(guest)) == {"Li+"}
    assert not is_guest(own) and is_guest(guest)


CRITERIA = [
    DaiCriterion(), DaiCriterion(max_ratio=1.6), DaiCriterion(max_ratio=1.2, dimensionality=1),
    DaiCriterion(max_cation_barrier_ev=0.4),
    DaiCriterion(reading="cation_over_anion", max_ratio=0.7),
]  # fmt: skip


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("case", ["fits", "crowded", "costly", "alone"])
def test_a_row_judged_anew_is_the_row_of_that_criterion(criterion, case):
    """From the row of any other criterion."""
    result = {
        "fits": RESULT,
        "crowded": dataclasses.replace(RESULT, room=dataclasses.replace(RESULT.room, share=0.59)),
        "costly": dataclasses.replace(RESULT, insertion_ev=1.21),
        "alone": dataclasses.replace(
            RESULT, removed=dataclasses.replace(RESULT.removed, barriers_ev=UNKNOWN)
        ),
    }[case]
    expected = row_of(result, criterion)
    for other in CRITERIA:
        fresh, below = rejudge(row_of(result, other), criterion, calibrated=False)
        assert {k: str(v) for k, v in fresh.items()} == {k: str(v) for k, v in expected.items()}
        assert below is (criterion.max_cation_barrier_ev > 0.42)
    if case in ("crowded", "costly"):
        assert (expected["dai"], expected["dai_dimensions"]) == (False, "")


def test_nothing_is_lost_in_a_table(tmp_path):
    removed = dataclasses.replace(RESULT.removed, barriers_ev=UNKNOWN, rigid_ev=UNKNOWN)
    told = "Nothing attracts."
    row = row_of(dataclasses.replace(RESULT, removed=removed, removed_reason=told))
    write_table(tmp_path / "t.csv", [row], SCREENED)
    (back,) = read_table(tmp_path / "t.csv")
    assert is_guest(back) and back["message"] == told
    assert back["guest_insertion_ev"] == 0.3
    assert back["guest_e3d_no_cations_ev"] is None or math.isnan(back["guest_e3d_no_cations_ev"])
    assert identity(back) == ("here", "one", "Li+", "I- guest")


def test_a_failure_is_a_guests_row_too():
    failure = GuestFailure(cation=LITHIUM, guest=IODIDE, reason="missing_parameters", message="No.")
    (row,) = result_rows(HERE, ScreenResult(crystal=CRYSTAL, pairs=(), guest_failures=(failure,)))
    assert (row["status"], row["reason"], row["message"]) == (
        "rejected",
        "missing_parameters",
        "No.",
    )
    assert anion_name(row) == "I- guest"


@pytest.mark.parametrize(
    ("cation", "anion", "salt"),
    [("Li+", "I-", "LiI"), ("Mg2+", "Br-", "MgBr2"), ("Li+", "S2-", "Li2S"),
     ("Al3+", "O2-", "Al2O3"), ("Mg2+", "O2-", "MgO")],
)  # fmt: skip
def test_the_salt_of_a_guest(cation, anion, salt):
    assert guest_salt({"cation": cation, "anion": anion}) == salt


def test_ions_without_a_salt_are_refused():
    with pytest.raises(InputError, match="make no salt"):
        guest_salt({"cation": "Fe2.4+", "anion": "I-"})
