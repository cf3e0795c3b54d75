"""The driver of a campaign: sends what is left to workers and writes what comes back."""

from __future__ import annotations

import itertools
import math
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dualion.results.columns import Row
from dualion.results.guest_rows import anion_name, is_guest
from dualion.results.ranking import rank_candidates
from dualion.results.shortlist import Shortlist, shortlist_columns
from dualion.results.store import Store, TaskRecord
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.log import CampaignLog, write_state
from dualion.workflows.campaign.plan import Ask, jobs_left
from dualion.workflows.campaign.tasks import Job, Outcome, Work
from dualion.workflows.execution.cluster import campaign_client
from dualion.workflows.execution.executor import run_all
from dualion.workflows.execution.workers import WITHOUT_WORKERS_S

if TYPE_CHECKING:
    from dualion.screening.screen_options import ScreenOptions

WRITE_EVERY_S = 0.5
"""Outcomes are written together that come within this time, s."""

WRITE_MOST = 200
"""Most outcomes that are written together."""

STATE_EVERY_S = 2.0
"""How often the state file is written, s."""

BEST = 10
"""Candidates that the live view keeps."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """How a run stands.

    Attributes:
        total: structures that were left at the start.
        done: of these, done since.
        begun: when the computing began, s since the epoch.
        failures: failed structures by kind.
        rejected: rejected structures.
        best: the best candidates so far.
        found: candidates so far.
        dashboard: link to Dask's dashboard.
        shortlist: what keeps a pair that passes from being a candidate.
    """

    total: int = 0
    done: int = 0
    begun: float = field(default_factory=time.time)
    failures: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    best: list[Row] = field(default_factory=list)
    found: int = 0
    dashboard: str = ""
    shortlist: Shortlist = field(default_factory=Shortlist)

    def add(self, outcomes: Sequence[Outcome], dimensionality: int) -> None:
        """Count structures and keep the best candidates among them.

        Args:
            outcomes: one for each structure that ended.
            dimensionality: 1, 2 or 3: the barriers by which candidates are ranked.
        """
        self.done += len(outcomes)
        for outcome in outcomes:
            if outcome.rows[0].get("status") == "failed":
                self.failures[str(outcome.rows[0].get("reason"))] += 1
            elif all(row.get("status") == "rejected" for row in outcome.rows):
                self.rejected += 1
        passing = [
            {**row, **shortlist_columns(row, self.shortlist)}
            for outcome in outcomes
            for row in outcome.rows
            if row.get("dai") is True
        ]
        if passing:
            self.found += len(passing)
            ranked = rank_candidates([*self.best, *passing], dimensionality=dimensionality)
            self.best = ranked[:BEST]

    @property
    def rate(self) -> float:
        """Structures a second."""
        return self.done / max(1e-9, time.time() - self.begun)

    def state(self) -> dict[str, Any]:
        """As plain data, for the state file."""
        left = (self.total - self.done) / self.rate if self.done else None
        return {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "begun": self.begun,
            "written": time.time(),
            "total": self.total,
            "done": self.done,
            "rate_per_s": self.rate,
            "seconds_left": left,
            "failures": dict(self.failures),
            "rejected": self.rejected,
            "candidates": self.found,
            "dashboard": self.dashboard,
        }


class Driver:
    """Sends what is left to workers and writes what comes back."""

    def __init__(
        self,
        campaign: Campaign,
        store: Store,
        plan: int,
        options: ScreenOptions,
        log: CampaignLog,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._campaign, self._store, self._plan = campaign, store, plan
        self._options, self._log = options, log
        self._ask = Ask.of(options)
        self._on_progress = on_progress
        self._progress = Progress(shortlist=campaign.rules())
        self._state_written_s = 0.0

    def run(self, work: Work, stop: threading.Event, say: Callable[[str], None]) -> int:
        """Compute what is left.

        Args:
            work: the function that runs one job; a top-level function.
            stop: once it is set, no further structure is begun.
            say: told which phase begins, in a few words.

        Returns:
            Number of structures that were computed.

        Raises:
            ClusterLostError: the scheduler does not answer any more, or no worker is left.
            InputError: the workers cannot be had.
        """
        jobs = jobs_left(self._store, self._plan, self._options)
        first = next(jobs, None)
        if first is None or stop.is_set():
            return 0

        self._store.set_notes({"exported": ""})
        left, expected_s = self._store.count_pending(self._plan, self._ask.whole)
        self._log.write("start", left=left, expected_s=expected_s)
        self._progress = Progress(total=left)
        say("starting workers")
        most = min(left, self._campaign.cluster.workers or left)
        with campaign_client(self._campaign, most=most, left=self._left) as (client, dashboard):
            self._progress.dashboard, self._progress.begun = dashboard, time.time()
            say("screening")
            limit_s = self._campaign.run.time_limit_s
            every: Iterable[Job] = itertools.chain([first], jobs)
            local = self._campaign.cluster.kind == "local"
            outcomes = run_all(
                client,
                every,
                time_limit_s=limit_s,
                work=work,
                stop=stop,
                expected_s=expected_s,
                without_workers_s=WITHOUT_WORKERS_S if local else math.inf,
            )
            self._write_all(outcomes)
        self._note_state(now=True)
        return self._progress.done

    def _left(self) -> int:
        return self._progress.total - self._progress.done

    def _write_all(self, outcomes: Iterator[Outcome]) -> None:
        """Write outcomes in batches; what has come is written also when the run breaks off."""
        held: list[Outcome] = []
        since = time.monotonic()
        try:
            for outcome in outcomes:
                held.append(outcome)
                now = time.monotonic()
                if len(held) >= WRITE_MOST or now - since >= WRITE_EVERY_S:
                    self._write(held)
                    held, since = [], now
        finally:
            self._write(held)

    def _write(self, outcomes: list[Outcome]) -> None:
        if not outcomes:
            return
        self._store.write_outcomes(
            [(o.index, records_of(o, self._ask), _facts(o, self._ask)) for o in outcomes]
        )
        self._progress.add(outcomes, self._options.criterion.dimensionality)
        for outcome in outcomes:
            self._log_failure(outcome)
        if self._on_progress:
            self._on_progress(self._progress)
        self._note_state()

    def _log_failure(self, outcome: Outcome) -> None:
        row = outcome.rows[0]
        if row.get("status") == "failed":
            self._log.write(
                "failed",
                source_id=row.get("source_id"),
                stage=outcome.stage,
                kind=row.get("reason"),
                message=row.get("message"),
            )

    def _note_state(self, *, now: bool = False) -> None:
        if now or time.monotonic() - self._state_written_s >= STATE_EVERY_S:
            write_state(self._campaign.folder, self._progress.state())
            self._state_written_s = time.monotonic()


def records_of(outcome: Outcome, ask: Ask) -> list[TaskRecord]:
    """Make the records of the tasks that an outcome ends: one for each row.

    Args:
        outcome: of one structure.
        ask: hashes of what the campaign asks, for the scopes of the tasks.
    """
    records = []
    for row in outcome.rows:
        anion = anion_name(row) if is_guest(row) else _symbol(row.get("anion"))
        cation = _symbol(row.get("cation")) if anion else str(row.get("cation") or "")
        scope = ask.scope_of(
            anion=anion,
            status=str(row["status"]),
            stage=outcome.stage,
            reason=str(row.get("reason") or ""),
        )
        records.append(
            TaskRecord(
                key=str(row["key"]),
                scope=scope,
                cation=cation,
                anion=anion,
                stage=outcome.stage,
                row=row,
                traceback=outcome.traceback,
            )
        )
    return records


def _facts(outcome: Outcome, ask: Ask) -> dict[str, Any]:
    """Columns of the structure that an outcome settles."""
    facts: dict[str, Any] = {"asked": ask.whole}
    if outcome.stage == "done":
        facts["cations"] = " ".join(outcome.cations)
        facts["anions"] = " ".join(outcome.anions)
    return facts


def _symbol(ion: object) -> str:
    """The element of an ion's label: ``Li`` of ``Li+``, ``S`` of ``S2-``."""
    return "".join(itertools.takewhile(str.isalpha, str(ion or "")))
