"""The work of one structure."""

from __future__ import annotations

import dataclasses
import pickle

import pytest

from dualion.results.columns import BY_KEY
from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.criterion import DaiCriterion
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.records import RawEntry, Rejection
from dualion.workflows.campaign import tasks
from dualion.workflows.campaign.tasks import (
    Job,
    failed_outcome,
    rejection_outcome,
    screen_job,
    task_key,
)

LICL = """LiCl
1.0
5.14 0 0
0 5.14 0
0 0 5.14
Li Cl
4 4
Direct
0 0 0
0 0.5 0.5
0.5 0 0.5
0.5 0.5 0
0.5 0.5 0.5
0.5 0 0
0 0.5 0
0 0 0.5
"""
OPTIONS = ScreenOptions()


def entry(text: str = LICL) -> RawEntry:
    return RawEntry(source="file", source_id="POSCAR", format="poscar", text=text)


def job(text: str = LICL, options: ScreenOptions = OPTIONS) -> Job:
    return Job(index=3, entry=entry(text), options=options)


def test_rock_salt_gives_one_complete_row() -> None:
    outcome = screen_job(job())
    (row,) = outcome.rows
    assert (outcome.index, outcome.stage) == (3, "done")
    assert (outcome.cations, outcome.anions) == (("Li",), ("Cl",))
    assert (row["cation"], row["anion"], row["status"]) == ("Li+", "Cl-", "ok")
    by_symmetry = pytest.approx(row["published_e3d_anion_ev"], abs=1e-6)
    assert row["e3d_cation_grid_ev"] == by_symmetry
    assert row["key"] == f"{task_key(entry(), OPTIONS)}-Li+-Cl-"
    assert set(row) <= set(BY_KEY)


def test_what_contradicts_the_files_own_statements_is_a_flag_of_the_row() -> None:
    head = "data_x\n_chemical_formula_sum '{}'\n_cell_length_a 5.14\n_cell_length_b 5.14\n"
    head += "_cell_length_c 5.14\n_cell_angle_alpha 90\n_cell_angle_beta 90\n"
    head += "_cell_angle_gamma 90\n_symmetry_space_group_name_H-M 'F m -3 m'\nloop_\n"
    head += "_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n"
    head += "_atom_site_fract_y\n_atom_site_fract_z\nLi1 Li 0 0 0\nCl1 Cl 0.5 0.5 {}\n"
    for formula, last, flagged in (("Li Cl", "0.5", False), ("Li2 Cl", "0.5", True)):
        raw = RawEntry(source="file", source_id="x", format="cif", text=head.format(formula, last))
        (row,) = screen_job(Job(index=0, entry=raw, options=OPTIONS)).rows
        assert row["status"] == "ok"
        assert ("stated_formula_differs" in str(row["flags"]).split(";")) is flagged
    # Atoms on top of each other: rejected, and the reason may be what the flag says.
    text = head.format("Li Cl", "0.5") + "Cl2 Cl 0.5 0.5 0.47\n"
    raw = RawEntry(source="file", source_id="x", format="cif", text=text)
    (row,) = screen_job(Job(index=0, entry=raw, options=OPTIONS)).rows
    assert (row["status"], row["reason"]) == ("rejected", "overlapping_atoms")
    assert row["flags"] == "stated_formula_differs"


def test_a_structure_without_the_cation_is_rejected_with_advice() -> None:
    (row,) = screen_job(job(options=ScreenOptions(cations=("Na",)))).rows
    assert (row["status"], row["reason"], row["cation"]) == ("rejected", "no_cation", "Na")
    assert "--cation" in str(row["message"])
    assert row["reduced_formula"] == "LiCl"


def test_text_that_is_no_structure_is_rejected_at_reading() -> None:
    outcome = screen_job(job("nothing\nof\nuse"))
    assert outcome.stage == "read"
    assert outcome.rows[0]["status"] == "rejected"
    assert outcome.rows[0]["message"]


def test_a_fault_of_the_program_becomes_a_failed_row_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(tasks, "_require_cation", broken)
    outcome = screen_job(job())
    (row,) = outcome.rows
    assert (row["status"], row["reason"]) == ("failed", "internal_error")
    assert "ZeroDivisionError: by zero" in str(row["message"])
    assert "in broken" in outcome.traceback


def test_want_of_memory_is_left_to_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def hungry(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(tasks, "_require_cation", hungry)
    with pytest.raises(MemoryError):
        screen_job(job())


def test_the_key_follows_structure_and_conventions_and_not_the_criterion() -> None:
    same = ScreenOptions(cations=("Na",), criterion=DaiCriterion(max_ratio=9.0))
    finer = ScreenOptions(barriers=BarrierOptions(spacing_angstrom=0.1))
    key = task_key(entry(), OPTIONS)
    assert task_key(entry(), same) == key
    assert task_key(entry(), finer) != key
    assert task_key(entry(LICL + "\n"), OPTIONS) != key
    renamed = dataclasses.replace(entry(), source_id="other", metadata={"band_gap_ev": 1.0})
    assert task_key(renamed, OPTIONS) == key


def test_outcomes_and_jobs_travel_between_processes() -> None:
    outcome = screen_job(job())
    assert pickle.loads(pickle.dumps(outcome)) == outcome
    assert pickle.loads(pickle.dumps(job())).entry == entry()


def test_rows_without_numbers_say_what_happened() -> None:
    gone = Rejection(source="f", source_id="x", stage="read", reason="empty", message="Empty.")
    (row,) = rejection_outcome(0, gone, OPTIONS).rows
    assert (row["status"], row["reason"], row["message"]) == ("rejected", "empty", "Empty.")
    (row,) = failed_outcome(job(), reason="crashed", message="It died.").rows
    assert (row["status"], row["reason"], row["message"]) == ("failed", "crashed", "It died.")
    assert str(row["key"]).startswith(task_key(entry(), OPTIONS))
