"""Columns of the reaction with the anode and of the interphase."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path

import pytest

from dualion.results.columns import ANODE_REACTION, CANDIDATES, INTERPHASE, SCREENED, Row
from dualion.results.tables import read_table
from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.criterion import DaiCriterion
from dualion.screening.screen import screen
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.files import parse_entry, reference_paths
from dualion.structures.records import RawEntry
from dualion.structures.sources.errors import OfflineError, SourceUnavailableError
from dualion.structures.stability import Phase
from dualion.workflows.campaign.anode_stability import (
    MOST_FAILURES,
    AnodeStability,
    anode_columns,
    interphase_barriers,
)
from dualion.workflows.campaign.screen_run import screen_paths
from dualion.workflows.campaign.sidecar import RunSummary

PHASES = [
    Phase(formula="Li3PS4", formation_energy_ev_atom=-1.0),
    Phase(formula="Li2S", formation_energy_ev_atom=-1.45),
    Phase(formula="Li3P", formation_energy_ev_atom=-0.85),
]


def test_columns_of_a_thiophosphate() -> None:
    columns = anode_columns("Li3PS4", metal="Li", anion="S", phases=PHASES, options=ScreenOptions())
    assert set(columns) == {column.key for column in (*ANODE_REACTION, *INTERPHASE)}
    assert columns["anode_products"] == "Li2S; Li3P"
    assert columns["anode_reaction_ev_atom"] == pytest.approx(-0.8)
    assert columns["interphase"] == "Li2S"
    assert 0.0 < columns["interphase_e3d_cation_ev"] < columns["interphase_e3d_anion_ev"]  # type: ignore[operator]


def test_interphase_barriers_are_those_of_the_bundled_structure() -> None:
    (path,) = (path for path in reference_paths() if path.stem == "LiI")
    entry = RawEntry(source="file", source_id="LiI", format="cif", text=path.read_text())
    pair = screen(parse_entry(entry).structure, "Li").pairs[0]
    found = interphase_barriers("Li", "I", ScreenOptions())
    assert found.cation_ev == pytest.approx(pair.cation.refined_ev[2], abs=1e-9)
    assert found.anion_ev == pytest.approx(pair.anion.refined_ev[2], abs=1e-9)


def test_what_is_not_known_is_empty() -> None:
    columns = anode_columns("MgO", metal="Mg", anion="N", phases=[], options=ScreenOptions())
    assert columns["anode_reaction_ev_atom"] is None and columns["anode_products"] is None
    assert columns["interphase"] == "Mg3N2" and columns["interphase_e3d_anion_ev"] is None


pytestmark = pytest.mark.usefixtures("shared_workers")

BUNDLED = ("LiCl", "LiBr", "Li3OCl", "LiI")


def bundled(*names: str) -> list[Path]:
    return [path for path in reference_paths() if path.stem in names]


def oxychloride_phases(elements: Iterable[str]) -> list[Phase]:
    """Formation energies at 298 K, NIST-JANAF: Li2O -597.94 and LiCl -408.27 kJ/mol."""
    known = [
        Phase(formula="Li2O", formation_energy_ev_atom=-597.94 / 96.485 / 3),
        Phase(formula="LiCl", formation_energy_ev_atom=-408.27 / 96.485 / 2),
    ]
    return known if set(elements) <= {"Li", "O", "Cl"} else []


def row(formula: str, cation: str = "Li+", anion: str = "Cl-") -> Row:
    return {"reduced_formula": formula, "cation": cation, "anion": anion}


def run(tmp_path: Path, phases: object = None) -> tuple[RunSummary, dict[str, Row]]:
    result = screen_paths(
        bundled(*BUNDLED),
        ScreenOptions(
            criterion=DaiCriterion(max_ratio=5.0),  # so that Li3OCl passes too
            barriers=BarrierOptions(spacing_angstrom=0.4),
            deciding_anion=None,
            judged="grid",
        ),
        output=tmp_path / "run",
        phases=phases,  # type: ignore[arg-type]
    )
    summary = result.summary
    assert summary is not None
    rows = read_table(summary.files.candidates)
    return summary, {f"{str(r['source_id']).split('#')[1]} {r['anion']}": r for r in rows}


def test_candidates_say_what_their_interphase_is(tmp_path: Path) -> None:
    summary, rows = run(tmp_path)
    chloride = rows["LiCl Cl-"]
    assert chloride["interphase"] == "LiCl"
    for ion in ("cation", "anion"):  # its interphase is the solid itself
        assert chloride[f"interphase_e3d_{ion}_ev"] == chloride[f"e3d_{ion}_ev"]
    assert rows["Li3OCl Cl-"]["interphase"] == "LiCl"
    assert rows["LiI I-"]["interphase"] == "LiI"
    assert {found["anode_reaction_ev_atom"] for found in rows.values()} == {None}
    assert summary.anode_problem == ""
    screened = summary.files.screened.read_text().splitlines()[0].split(",")
    assert screened == [column.key for column in SCREENED]
    assert "interphase_e3d_anion_ev" in screened


def test_candidates_say_what_they_become_at_the_anode(tmp_path: Path) -> None:
    asked: list[frozenset[str]] = []

    def phases(elements: frozenset[str]) -> list[Phase]:
        asked.append(elements)
        return oxychloride_phases(elements)

    summary, rows = run(tmp_path, phases)
    for name in ("LiCl Cl-", "Li3OCl Cl-"):  # both end at Li2O and LiCl, which Li cannot reduce
        assert rows[name]["anode_reaction_ev_atom"] == 0.0
        assert rows[name]["anode_products"] == ""
    assert rows["LiI I-"]["anode_reaction_ev_atom"] is None
    assert len(asked) == len(set(asked))
    assert summary.anode_problem == ""
    assert json.loads(summary.files.sidecar.read_text())["anode_problem"] == ""


def test_a_reduced_oxide_names_its_products() -> None:
    """FeO -272.0 kJ/mol (NIST-JANAF): FeO + 2 Li -> Fe + Li2O releases 325.9 kJ over 4 atoms."""
    iron = Phase(formula="FeO", formation_energy_ev_atom=-272.0 / 96.485 / 2)
    lithia = oxychloride_phases(["Li", "O"])[0]
    anode = AnodeStability(options=ScreenOptions(), phases_of=lambda _: [iron, lithia])
    cells = anode.reaction_of(row("FeO", anion="O2-"))
    assert cells["anode_reaction_ev_atom"] == pytest.approx(-325.94 / 96.485 / 4, abs=1e-4)
    assert cells["anode_equation"] == "FeO + 2 Li -> Li2O + Fe"
    assert cells["anode_products"] == "Li2O; Fe"


def test_a_source_that_fails_costs_no_run(tmp_path: Path) -> None:
    def failing(_: frozenset[str]) -> list[Phase]:
        raise SourceUnavailableError("The server is away; try later.")

    summary, rows = run(tmp_path, failing)
    assert summary.finished and len(rows) == summary.candidate_count > 0
    assert rows["LiCl Cl-"]["interphase"] == "LiCl"
    assert rows["LiCl Cl-"]["anode_reaction_ev_atom"] is None
    assert json.loads(summary.files.sidecar.read_text())["anode_problem"].startswith("The server")
    assert summary.files.candidates.read_text().splitlines()[0].split(",") == [
        column.key for column in CANDIDATES
    ]


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (SourceUnavailableError("away"), MOST_FAILURES),
        (OfflineError("not in the cache"), 6),
        (ValueError("https://server/?key=secret"), MOST_FAILURES),
    ],
)
def test_a_source_that_keeps_failing_is_asked_no_more(error: Exception, asked: int) -> None:
    systems: list[frozenset[str]] = []

    def failing(system: frozenset[str]) -> list[Phase]:
        systems.append(system)
        raise error

    anode = AnodeStability(options=ScreenOptions(), phases_of=failing)
    for formula in ("LiF", "LiCl", "LiBr", "LiI", "Li2O", "Li2S", "LiF"):
        assert anode.reaction_of(row(formula)) == {}
    assert len(systems) == asked
    assert anode.problem and "secret" not in anode.problem


def test_ions_without_a_usual_charge_leave_cells_empty() -> None:
    anode = AnodeStability(options=ScreenOptions())
    assert anode.interphase_of(row("LiB", anion="B-")) == {}
    assert anode.problem == ""
    found = anode.interphase_of(row("Li10GeP2S12", anion="S1.9-"))
    assert found["interphase"] == "Li2S" and not math.isnan(found["interphase_e3d_anion_ev"])  # type: ignore[arg-type]


def test_reactions_asked_for_later_are_added_and_nothing_is_computed(tmp_path: Path) -> None:
    run(tmp_path)
    _, rows = run(tmp_path, oxychloride_phases)
    assert rows["LiCl Cl-"]["anode_reaction_ev_atom"] == 0.0
    log = (tmp_path / "run" / "campaign.log.jsonl").read_text().splitlines()
    ends = [json.loads(line) for line in log if '"event": "end"' in line]
    assert [end["computed"] for end in ends] == [len(BUNDLED), 0]
