"""``dualion run``: compute what a campaign still lacks, and write it down as it comes."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dualion.results.store import Store
from dualion.results.store.database import writer_lock
from dualion.results.store.schema import VERSION
from dualion.structures.errors import InputError
from dualion.workflows.campaign.anode_stability import PhaseSource
from dualion.workflows.campaign.config import SCREENING_NOTE, Campaign
from dualion.workflows.campaign.driver import Driver, Progress
from dualion.workflows.campaign.export import export, is_exported
from dualion.workflows.campaign.log import CampaignLog
from dualion.workflows.campaign.plan import Ask, read_sources
from dualion.workflows.campaign.shards import merge_all
from dualion.workflows.campaign.sidecar import RunFiles, RunSummary
from dualion.workflows.campaign.tasks import Work, screen_job
from dualion.workflows.execution.locks import folder_lock

DECIDING = ("sources", "ions", "criterion", "barriers", "ranking")
"""Blocks that a screening's tables depend on."""

SHORT = 120
"""Characters of a value in a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run leaves to say.

    Attributes:
        summary: the tables; None where those of before still hold.
        computed: structures that this run did.
        left: structures that are still to do.
        upgraded_from: version of the store where it was an older one, else 0.
    """

    summary: RunSummary | None
    files: RunFiles
    computed: int
    left: int
    upgraded_from: int = 0


def run_campaign(
    campaign: Campaign,
    *,
    retry_failed: bool = False,
    on_stage: Callable[[str], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    merge_only: bool = False,
    phases: PhaseSource | None = None,
    work: Work = screen_job,
    stop: threading.Event | None = None,
) -> RunResult:
    """Run or resume a campaign.

    Args:
        campaign: what to do.
        retry_failed: run failed structures again.
        on_stage: called with a word on what is being done.
        on_progress: called after each structure.
        merge_only: take over what shards have computed, and compute nothing.
        phases: known compounds of a chemical system, for the candidates' reaction with the metal
            anode. None to leave those columns empty.
        work: the function that runs one job.
        stop: once it is set, the structures at work are finished and no more is begun.

    Raises:
        InputError: the folder, the store or a source is wrong, or the campaign runs already.
        ClusterLostError: the scheduler is gone.
        StoppedError: a stop was asked for before the sources were read.
    """
    say = on_stage or (lambda _: None)
    stop = stop or threading.Event()
    log = CampaignLog(campaign.folder)
    with open_campaign(campaign) as (store, upgraded_from):
        options = campaign.options()
        if retry_failed:
            log.write("retry", failed=store.reopen("failed"))
        say("reading sources")
        plan = read_sources(
            campaign, store, options, stop=stop, on_entries=lambda n: say(f"reading sources ({n})")
        )
        merge_all(campaign, store)
        driver = Driver(campaign, store, plan, options, log, on_progress)
        computed = 0 if merge_only else driver.run(work, stop, say)
        left, _ = store.count_pending(plan, Ask.of(options).whole)
        summary = None
        if computed or left or not is_exported(campaign, store, plan, reactions=bool(phases)):
            say("writing tables")
            summary = export(campaign, store, plan, finished=left == 0, phases=phases, stop=stop)
        log.write("end", computed=computed, left=left)
    files = RunFiles(folder=campaign.folder)
    return RunResult(
        summary=summary, files=files, computed=computed, left=left, upgraded_from=upgraded_from
    )


@contextlib.contextmanager
def open_campaign(campaign: Campaign) -> Iterator[tuple[Store, int]]:
    """The campaign's store, for the one process that may write it.

    Yields:
        The store, and the version that it had if that was an older one, else 0.

    Raises:
        InputError: another process writes it, or it belongs to another campaign.
    """
    with folder_lock(campaign.folder):
        store, found = Store.open(campaign.store_at)
        try:
            with writer_lock(store.engine) as granted:
                if not granted:
                    raise InputError(
                        "Another process writes this campaign's database. Wait for it to end, or "
                        "look with: dualion status"
                    )
                _claim(campaign, store)
                yield store, found if 0 < found < VERSION else 0
        finally:
            store.close()


def _claim(campaign: Campaign, store: Store) -> None:
    """Note whose store this is, or refuse it.

    Raises:
        InputError: it is another campaign's, or another screening's.
    """
    owner = store.note("campaign")
    mine = campaign.name if campaign.store else campaign.file
    if owner is None:
        store.set_notes({"campaign": mine})
    elif owner != mine:
        raise InputError(
            f"{'The database' if campaign.store else campaign.folder} already holds the campaign "
            f"{owner}; give {mine} {'a database' if campaign.store else 'a folder'} of its own."
        )
    if campaign.is_screening:
        _claim_screening(campaign, store)


def _claim_screening(campaign: Campaign, store: Store) -> None:
    """Note what a command line asked for: no file holds it, and only the same may go on.

    Raises:
        InputError: the folder holds a screening that asked for something else.
    """
    asked = campaign.model_dump(mode="json", include={*DECIDING, "shortlist"}, exclude_none=True)
    asked = json.loads(json.dumps(asked))
    noted = store.note(SCREENING_NOTE)
    if noted is None:
        store.set_notes({SCREENING_NOTE: json.dumps({**asked, "inputs": campaign.named_inputs()})})
        return
    before = json.loads(noted)
    noted_now = {**before, "shortlist": asked.pop("shortlist")}
    for name in DECIDING:
        if before.get(name) != asked[name]:
            raise InputError(
                f"{campaign.folder} already holds another screening: "
                f"{_difference(name, before.get(name), asked[name])}. Choose another --output, or "
                "give the same command as before to go on with it."
            )
    if noted_now != before:  # what is set aside may change: nothing is computed for it
        store.set_notes({SCREENING_NOTE: json.dumps(noted_now)})


def _difference(name: str, before: Any, now: Any) -> str:
    """The first thing in which two screenings differ, in a few words."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in (*before, *now):
            if before.get(key) != now.get(key):
                return _difference(f"{name}.{key}", before.get(key), now.get(key))
    return f"{name} {_short(before)} then, {_short(now)} now"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"
