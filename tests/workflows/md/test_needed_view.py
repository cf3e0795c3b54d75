"""What ``md status`` says of the ions that are not known to diffuse."""

from __future__ import annotations

from typing import Any

from dualion.results.store import MdRun
from dualion.workflows.cli.md.needed_view import SHOWN, list_needed
from dualion.workflows.md.reconcile import RunStatus
from dualion.workflows.md.run.run_folder import Progress
from dualion.workflows.md.states import RunState


def status(n_eff: dict[str, float], species: list[dict[str, Any]] | None = None) -> RunStatus:
    run = MdRun(
        key="abcdef0123",
        structure_key="0123456789abcdef",
        source_id="LiI.cif#LiI",
        formula="LiI",
        cation="Li+",
        anion="I-",
        cell="perfect",
        engine="chgnet",
        temperature_k=600.0,
        replica=1,
        place="x/k",
        spec={"protocol": {"name": "mlip", "equilibration_ps": 10.0}},
        state="done",
        results={"species": species} if species else {},
    )
    progress = Progress(done_ps=60.0, n_eff=n_eff)
    return RunStatus(run=run, progress=progress, state=RunState.DONE)


def test_a_run_says_what_it_excludes_and_how_long_it_takes() -> None:
    rows = [
        {"species": "Li", "verdict": "diffusing", "d_high_cm2_s": 2e-6},
        {"species": "I", "verdict": "vibrating", "d_high_cm2_s": 2.95e-8},
        {"species": "P", "verdict": "vibrating", "d_high_cm2_s": 1e-9},
    ]
    (line,) = list_needed([status({"Li": 100.0, "I": 2.0, "P": 0.1}, rows)])
    assert line == (
        "abcdef: I: slower than 3.0e-8 cm²/s at 600 K. "
        "N_eff = 56 takes, at the pace so far: I about 1400 ps."
    )


def test_nothing_is_said_where_nothing_is_missing_or_known() -> None:
    assert list_needed([status({}), status({"Li": 60.0, "I": 99.0})]) == []


def test_many_runs_end_in_a_count() -> None:
    lines = list_needed([status({"I": 2.0})] * (SHOWN + 5))
    assert len(lines) == SHOWN + 1
    assert lines[-1].startswith("and 5 more")


def test_the_limit_is_that_of_the_tables() -> None:
    """Of an ion that does not diffuse, analyses hold an upper limit and no interval."""
    rows = [{"species": "I", "verdict": "not resolved", "d_high_cm2_s": None,
             "d_upper_cm2_s": 2.95e-8}]  # fmt: skip
    (line,) = list_needed([status({"I": 2.0}, rows)])
    assert line.startswith("abcdef: I: slower than 3.0e-8 cm²/s at 600 K. ")
