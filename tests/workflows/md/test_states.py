"""MD runs in the store: states follow the table alone; older stores are brought up to date."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from dualion.results.store import MdRun, MdRuns, Store, StoreError
from dualion.workflows.md.reconcile import find_transitions
from dualion.workflows.md.states import FINAL, TRANSITIONS, RunState


def run(key: str = "k", state: str = "planned") -> MdRun:
    return MdRun(
        key=key,
        structure_key="0123456789abcdef",
        source_id="LiI.cif#LiI",
        formula="LiI",
        cation="Li+",
        anion="I-",
        cell="perfect",
        engine="chgnet",
        temperature_k=600.0,
        replica=1,
        place=f"x/{key}",
        spec={"protocol": {"name": "mlip"}},
        state=state,
    )


@pytest.fixture
def runs(tmp_path: Path) -> MdRuns:
    store, _ = Store.open(tmp_path / "md.db")
    return MdRuns(store, TRANSITIONS)


@pytest.mark.parametrize("now", RunState)
def test_every_transition_is_that_of_the_table(runs: MdRuns, now: RunState) -> None:
    for then in RunState:
        key = f"{now}-{then}"
        runs.add([run(key, now.value)])
        if then is now or then in TRANSITIONS[now]:
            runs.move(key, then, reason="why")
            expected = then
        else:
            with pytest.raises(StoreError, match=f"is {now}; it cannot become {then}"):
                runs.move(key, then, reason="why")
            expected = now
        (found,) = (one for one in runs.all() if one.key == key)
        assert found.state == expected
        assert found.reason == ("why" if expected == then else "")


def test_a_run_that_is_not_there_cannot_move(runs: MdRuns) -> None:
    with pytest.raises(StoreError, match="holds no MD run nothing"):
        runs.move("nothing", "running")


def test_adding_twice_adds_nothing_and_keeps_what_is_known(runs: MdRuns) -> None:
    assert runs.add([run("a"), run("b"), run("a")]) == 2
    runs.move("a", "prepared")
    runs.note({"a": {"results": {"species": []}, "job": "12_3"}})
    assert runs.add([run("a"), run("c")]) == 1
    first = next(one for one in runs.all() if one.key == "a")
    assert (first.state, first.job, first.results) == ("prepared", "12_3", {"species": []})
    assert runs.counts() == {"planned": 2, "prepared": 1}
    assert [one.key for one in runs.all(["prepared"])] == ["a"]
    with pytest.raises(ValueError, match="move alone"):
        runs.note({"a": {"state": "done"}})


@pytest.mark.parametrize("now", RunState)
@pytest.mark.parametrize("then", RunState)
def test_ways_follow_the_table_and_pass_through_no_end(now: RunState, then: RunState) -> None:
    path = find_transitions(now, then)
    if not path:
        return
    assert path[-1] is then
    for before, after in zip([now, *path], path, strict=False):
        assert after is before or after in TRANSITIONS[before]
    assert not set(path[:-1]) & FINAL


def test_a_run_that_ended_between_two_looks_is_brought_there() -> None:
    assert find_transitions(RunState.PREPARED, RunState.DONE) == [RunState.RUNNING, RunState.DONE]
    assert find_transitions(RunState.SUBMITTED, RunState.DONE) == [RunState.DONE]
    assert find_transitions(RunState.CANCELLED, RunState.PLANNED) == []


def test_a_store_without_md_gets_its_table(tmp_path: Path) -> None:
    path = tmp_path / "campaign.db"
    Store.open(path)[0].close()
    with sqlite3.connect(path) as connection:
        fresh = _columns(connection)
        connection.execute("DROP TABLE md_runs")
        connection.execute("DROP TABLE neb_pairs")  # since 5
        connection.execute("ALTER TABLE structures ADD COLUMN leading_flags INTEGER")  # till 3
        connection.execute("UPDATE meta SET value = '2' WHERE key = 'version'")
    connection.close()
    store, found = Store.open(path)
    assert found == 2
    with sqlite3.connect(path) as connection:
        assert _columns(connection) == fresh
    connection.close()
    runs = MdRuns(store, TRANSITIONS)
    assert runs.add([run()]) == 1
    assert runs.all() == [run()]


def _columns(connection: sqlite3.Connection) -> set[tuple[str, str, int]]:
    rows = connection.execute("PRAGMA table_info(md_runs)").fetchall()
    return {(name, kind, needed) for _, name, kind, needed, _, _ in rows if name != "key"}
