"""``dualion run``: compute what a campaign still lacks, and write it down as it comes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dualion.results.store import Store
from dualion.results.store.database import writer_lock
from dualion.results.store.schema import VERSION
from dualion.structures.errors import InputError
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.driver import Driver, Progress
from dualion.workflows.campaign.export import export, is_exported
from dualion.workflows.campaign.log import CampaignLog
from dualion.workflows.campaign.plan import Ask, read_sources
from dualion.workflows.campaign.screen_run import RunFiles, RunSummary
from dualion.workflows.campaign.shards import merge_all
from dualion.workflows.campaign.tasks import Work, screen_job
from dualion.workflows.execution.locks import folder_lock


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
        work: the function that runs one job.
        stop: once it is set, what is in flight is finished and no more is begun.

    Raises:
        InputError: the folder, the store or a source is wrong, or the campaign runs already.
        ClusterLostError: the scheduler is gone.
    """
    say = on_stage or (lambda _: None)
    log = CampaignLog(campaign.folder)
    with open_campaign(campaign) as (store, upgraded_from):
        options = campaign.options()
        if retry_failed:
            log.write("retry", failed=store.reopen("failed"))
        say("reading sources")
        plan = read_sources(campaign, store, options)
        merge_all(campaign, store)
        driver = Driver(campaign, store, plan, options, log, on_progress)
        computed = 0 if merge_only else driver.run(work, stop or threading.Event(), say)
        left, _ = store.count_pending(plan, Ask.of(options).whole)
        summary = None
        if computed or left or not is_exported(campaign, store, plan):
            say("writing tables")
            summary = export(campaign, store, plan, finished=left == 0)
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
        InputError: it is another campaign's.
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
