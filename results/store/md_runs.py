"""MD runs in the store: what each is, how it stands, what came out.

A run's folder is the truth of how far it is; the store follows it. Its state changes along a table
of transitions alone, which the workflows hand in.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update

from dualion.results.store.database import StoreError
from dualion.results.store.schema import md_runs
from dualion.results.store.store import Store

Transitions = Mapping[Any, Collection[Any]]
"""State → states that may follow."""

_JSON = ("spec", "progress", "results")


@dataclass(frozen=True, slots=True, kw_only=True)
class MdRun:
    """One run as the store knows it.

    Attributes:
        key: hash of all that decides its numbers.
        structure_key: first part of the row's key in ``candidates.csv``.
        source_id: name of the structure in its source.
        formula: reduced formula of the cell without defects.
        cation, anion: mobile ions, with their charges.
        cell: perfect, or the name of its defects.
        engine: name of the engine.
        temperature_k: K.
        replica: number of the replica, from 1.
        place: its folder below ``md/``.
        spec: all that it is, as plain data.
        state: where it stands.
        reason, message: why it ended or stopped; empty while all is well.
        progress: as last read from its folder.
        job, scheduler: where it is in a batch system's queue; empty outside of one.
        results: D with errors of each species and transport numbers; empty before collection.
    """

    key: str
    structure_key: str
    source_id: str
    formula: str
    cation: str
    anion: str
    cell: str
    engine: str
    temperature_k: float
    replica: int
    place: str
    spec: Mapping[str, Any]
    state: str
    reason: str = ""
    message: str = ""
    progress: Mapping[str, Any] = field(default_factory=dict)
    job: str = ""
    scheduler: str = ""
    results: Mapping[str, Any] = field(default_factory=dict)


class MdRuns:
    """The runs of a store."""

    def __init__(self, store: Store, transitions: Transitions) -> None:
        """Wrap a store; its one writer alone may change anything.

        Args:
            store: an open store.
            transitions: which state may follow which.
        """
        self.store = store
        self._transitions = transitions

    def add(self, runs: Sequence[MdRun]) -> int:
        """Add runs, keep those that are there, and return how many are new."""
        if not runs:
            return 0
        rows = [_row(run) for run in runs]
        known = {run.key for run in self.all()}
        statement = self.store.insert(md_runs).on_conflict_do_nothing(index_elements=["key"])
        with self.store.writing() as connection:
            connection.execute(statement, rows)
        return len({run.key for run in runs} - known)

    def all(self, states: Iterable[str] = ()) -> list[MdRun]:
        """Read runs, of these states alone if any, in the order of structure, cell and engine."""
        columns = ("formula", "structure_key", "cell", "engine", "temperature_k", "replica", "key")
        statement = select(md_runs).order_by(*(md_runs.c[name] for name in columns))
        if chosen := tuple(states):
            statement = statement.where(md_runs.c.state.in_(chosen))
        with self.store.reading() as connection:
            return [_run(row) for row in connection.execute(statement).mappings()]

    def move(self, key: str, state: str, **facts: Any) -> None:
        """Bring a run into another state; staying is allowed.

        Args:
            key: of the run.
            state: the new state.
            facts: other columns to set: ``reason``, ``message``, ``progress``, ``job``, …

        Raises:
            StoreError: there is no such run, or the state may not follow the present one.
        """
        before = [str(now) for now, then in self._transitions.items() if state in then]
        statement = (
            update(md_runs)
            .where(md_runs.c.key == key, md_runs.c.state.in_([*before, str(state)]))
            .values(state=str(state), **_packed(facts))
        )
        with self.store.writing() as connection:
            if connection.execute(statement).rowcount:
                return
            found = connection.execute(select(md_runs.c.state).where(md_runs.c.key == key))
            now = found.scalar()
        if now is None:
            raise StoreError(f"The store holds no MD run {key}.")
        raise StoreError(f"The MD run {key} is {now}; it cannot become {state}.")

    def note(self, facts: Mapping[str, Mapping[str, Any]]) -> None:
        """Set columns of runs by key; states change by ``move`` alone."""
        with self.store.writing() as connection:
            for key, columns in facts.items():
                if "state" in columns:
                    raise ValueError("a state changes by move alone")
                statement = update(md_runs).where(md_runs.c.key == key)
                connection.execute(statement.values(**_packed(columns)))

    def counts(self) -> dict[str, int]:
        """Count runs by state."""
        found: dict[str, int] = {}
        for run in self.all():
            found[run.state] = found.get(run.state, 0) + 1
        return found


def _packed(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: json.dumps(value) if name in _JSON else value for name, value in facts.items()}


def _row(run: MdRun) -> dict[str, Any]:
    names = [column.name for column in md_runs.columns]
    row = {name: getattr(run, name) for name in names}
    row["spec"], row["progress"] = json.dumps(dict(run.spec)), json.dumps(dict(run.progress))
    row["results"] = json.dumps(dict(run.results)) if run.results else None
    return row


def _run(row: Mapping[str, Any]) -> MdRun:
    plain = dict(row)
    for name in _JSON:
        plain[name] = json.loads(plain[name]) if plain[name] else {}
    return MdRun(**plain)
