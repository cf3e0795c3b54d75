"""MD runs in the store: each under its key, in the state and with the facts it was given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dualion.results.store import MdRun, MdRuns, Store, StoreError

TRANSITIONS = {"planned": ("running",), "running": ("done", "failed"), "failed": ("running",)}

RUN = MdRun(
    key="a", structure_key="s", source_id="LiI", formula="LiI", cation="Li+", anion="I-",
    cell="perfect", engine="chgnet", temperature_k=600.0, replica=1, place="LiI/600",
    spec={"steps": 5}, state="planned",
)  # fmt: skip


@pytest.fixture
def runs(tmp_path: Path) -> MdRuns:
    store, _ = Store.open(tmp_path / "md.db")
    found = MdRuns(store, TRANSITIONS)
    found.add([RUN, replace(RUN, key="b", temperature_k=700.0)])
    return found


def by_key(runs: MdRuns) -> dict[str, MdRun]:
    return {run.key: run for run in runs.all()}


def test_runs_come_back_as_they_went_in_and_only_new_ones_are_added(runs: MdRuns) -> None:
    assert by_key(runs)["a"] == RUN
    assert runs.add([replace(RUN, state="done"), replace(RUN, key="c")]) == 1
    assert by_key(runs)["a"].state == "planned"
    assert runs.add([]) == 0


def test_a_change_meets_the_run_of_its_key_alone(runs: MdRuns) -> None:
    runs.move("b", "running", job="17", progress={"step": 3})
    runs.note({"a": {"message": "waits", "results": {"d": 1.0}}})
    found = by_key(runs)
    assert found["a"] == replace(RUN, message="waits", results={"d": 1.0})
    assert (found["b"].state, found["b"].job, found["b"].progress) == ("running", "17", {"step": 3})
    assert runs.counts() == {"planned": 1, "running": 1}
    assert [run.key for run in runs.all(["running"])] == ["b"]


def test_what_may_not_follow_is_refused_by_the_runs_own_state(runs: MdRuns) -> None:
    runs.move("b", "running")
    with pytest.raises(StoreError, match="a is planned; it cannot become done"):
        runs.move("a", "done")
    runs.move("b", "done")
    with pytest.raises(StoreError, match="b is done; it cannot become running"):
        runs.move("b", "running")
    with pytest.raises(StoreError, match="no MD run z"):
        runs.move("z", "running")
    with pytest.raises(ValueError, match="move alone"):
        runs.note({"a": {"state": "done"}})
    assert by_key(runs)["a"] == RUN
