"""Structure files of kinds that went wrong elsewhere, against what each must give."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dualion.results.columns import Row
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.files import iter_raw_entries, read_structures
from dualion.structures.records import RawEntry, Rejection, StructureRecord
from dualion.workflows.campaign.tasks import Job, screen_job

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "cases" / "structures"

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not CASES.is_dir(), reason="the collected inputs are not there"),
]


def record(name: str) -> StructureRecord:
    (found,) = read_structures([CASES / name])
    assert isinstance(found, StructureRecord), found
    return found


def content(name: str) -> dict[str, float]:
    amounts: dict[str, Any] = record(name).structure.composition.as_dict()
    return {symbol: round(amount, 6) for symbol, amount in amounts.items()}


def row(name: str) -> Row:
    """The row of a file with softBV's parameters as bvlain takes them."""
    (entry,) = iter_raw_entries([CASES / name])
    assert isinstance(entry, RawEntry)
    (found,) = screen_job(Job(index=0, entry=entry, options=ScreenOptions())).rows
    return found


BARRIERS = [f"e{n}d_{ion}_ev" for n in (1, 2, 3) for ion in ("cation", "anion")]


def test_partly_filled_special_positions_have_the_stated_formula() -> None:
    assert content("lionly_3dec_0.3.cif") == {"Li": 0.6, "Ti": 1.0, "S": 2.0}
    found, reference = row("lionly_3dec_0.3.cif"), row("lionly_4dec_0.3.cif")
    assert found["status"] == "ok"
    assert [found[key] for key in BARRIERS] == pytest.approx(
        [reference[key] for key in BARRIERS], abs=1e-6
    )


def test_filled_special_positions_are_no_overlap() -> None:
    assert content("wurtzite_3dec.cif") == {"Li": 2.0, "I": 2.0}
    for name in ("wurtzite_3dec.cif", "wurtzite_4dec.cif"):
        assert row(name)["e3d_cation_grid_ev"] == pytest.approx(0.262, abs=5e-4)


def test_water_is_oxygen_and_its_hydrogen_is_missed() -> None:
    assert content("lioh_h2o_labels.cif") == {"Li": 4.0, "O": 8.0}
    assert content("lioh_ref.cif") == {"Li": 2.0, "O": 2.0, "H": 2.0}
    flags = str(row("lioh_h2o_labels.cif")["flags"]).split(";")
    assert {"stated_formula_differs", "implicit_hydrogens"} <= set(flags)


def test_labels_in_capitals_follow_the_formula() -> None:
    assert content("labels_PO1.cif") == {"Li": 3.0, "P": 1.0, "O": 4.0}


@pytest.mark.parametrize("name", ["win.vasp", "unix.vasp", "stress_crlf.extxyz"])
def test_windows_line_ends(name: str) -> None:
    assert content(name) == {"Li": 4.0, "Cl": 4.0}
    assert row(name)["e3d_cation_ev"] == pytest.approx(0.561, abs=5e-4)


def test_a_spoilt_sparse_member_is_one_row() -> None:
    sparse, good = read_structures([CASES / "sparse.tar"])
    assert isinstance(sparse, Rejection)
    # Its name lies in the header that cannot be read; that of its data is p.cif.
    assert (sparse.source_id, sparse.reason) == ("sparse.tar/p.cif", "special_member")
    assert isinstance(good, StructureRecord)


def test_overlapping_members_cost_bounded_time_and_memory() -> None:
    start = time.monotonic()
    found = list(read_structures([CASES / "overlap.zip"]))
    assert time.monotonic() - start < 60.0
    assert len(found) == 2000
    assert {getattr(item, "reason", "ok") for item in found[1:]} == {"overlapping_members"}
    if sys.platform == "linux":
        peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert peak_kib < 4 * 1024 * 1024
