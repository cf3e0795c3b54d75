"""Run MD on this machine: segments as Dask tasks, each with its cores and GPU."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dualion.results.store import MdRun
from dualion.structures.errors import InputError
from dualion.workflows.execution.locks import folder_lock
from dualion.workflows.execution.task_loop import Ended, Task, TaskLoop
from dualion.workflows.execution.workers import local_client, processor_count
from dualion.workflows.md.engines.base import Resources
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.reconcile import (
    RunStatus,
    apply_status,
    inspect_run,
    matches_ids,
    reconcile,
    reopen,
)
from dualion.workflows.md.run.run_folder import Progress
from dualion.workflows.md.run.segment import DIED, record_death
from dualion.workflows.md.run.segment_process import run_segment_process
from dualion.workflows.md.run.supervisor import STOP, is_held
from dualion.workflows.md.states import FINAL, RunState
from dualion.workflows.potentials.batch import supports

if TYPE_CHECKING:
    from distributed import Client

DRIVER_LOCK = ".driver.lock"
STOP_ALL = ".stop"
WITHOUT_WORKERS_S = 180.0
"""Longest time without any Dask worker, s."""

POLL_INTERVAL_S = 1.0
STORE_INTERVAL_S = 10.0
"""Time between two updates of the store while runs are computed, s."""

LEAST_S = 5.0
"""Shortest remaining time in which a segment is started, s."""

OnUpdate = Callable[[list[RunStatus]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    """Options of a local run.

    Attributes:
        workers: runs at a time; 0 for as many as cores or GPUs allow.
        device: auto, cpu or cuda.
        limit_s: time after which all runs go to a checkpoint, s; inf for no limit.
        ids: names of structures; none for all.
        retry_failed: continue failed runs too.
        batch: most runs of one potential that one worker computes as a batch; 1 for none.
    """

    workers: int = 0
    device: str = "auto"
    limit_s: float = float("inf")
    ids: tuple[str, ...] = ()
    retry_failed: bool = False
    batch: int = 1


def run_local(
    folder: MdFolder,
    options: LocalOptions,
    *,
    stop: threading.Event | None = None,
    on_update: OnUpdate | None = None,
) -> list[RunStatus]:
    """Compute the runs of a folder until they end or the time is up.

    Args:
        folder: the folder.
        options: how many at a time, where, how long.
        stop: once set, every run goes to a checkpoint.
        on_update: called every second with the status of the chosen runs.

    Returns:
        Status of the chosen runs.

    Raises:
        InputError: nothing is queued, an id is unknown, or another process does this already.
    """
    started_s = time.monotonic()
    with folder.reading():
        pass  # refuse an empty queue before a folder is made
    folder.md.mkdir(exist_ok=True)
    with folder_lock(folder.md, DRIVER_LOCK):
        chosen = _choose_runs(folder, options)
        left = [seen for seen in chosen if seen.state in (RunState.PREPARED, RunState.PAUSED)]
        if left:
            driver = _Driver(folder, options, chosen, stop or threading.Event(), started_s)
            driver.work([seen.run for seen in left], on_update or (lambda _: None))
        return _reconcile_chosen(folder, [seen.run.key for seen in chosen])


def _choose_runs(folder: MdFolder, options: LocalOptions) -> list[RunStatus]:
    """Choose the runs by their ids, reconciled; failed ones are reopened on request.

    Raises:
        InputError: an id is unknown.
    """
    with folder.writing() as runs:
        seen = [one for one in reconcile(folder, runs) if matches_ids(one.run, options.ids)]
        if options.ids and not seen:
            raise InputError(
                f"No run of {', '.join(options.ids)} is queued; see: dualion md status "
                f"{folder.path}"
            )
        if options.retry_failed:
            for one in seen:
                if one.state is RunState.FAILED:
                    reopen(folder, runs, one)
            return [one for one in reconcile(folder, runs) if matches_ids(one.run, options.ids)]
    return seen


def _reconcile_chosen(folder: MdFolder, keys: Sequence[str]) -> list[RunStatus]:
    with folder.writing() as runs:
        return [seen for seen in reconcile(folder, runs) if seen.run.key in set(keys)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Division of this machine among the workers.

    Attributes:
        workers: number of processes, one task each.
        cores: cores of each.
        gpus: GPUs of the machine that are used; 0 for none.
    """

    workers: int
    cores: int
    gpus: int

    @property
    def gpus_each(self) -> int:
        """GPUs that a task counts."""
        return 1 if self.gpus else 0


def plan_layout(folder: MdFolder, options: LocalOptions, runs: int) -> Layout:
    """Plan how many tasks run at a time, and with how many cores each.

    Args:
        folder: the folder; its block says how many cores a run needs.
        options: number of workers, device, size of a batch.
        runs: number of runs.
    """
    device = options.device if options.device != "auto" else folder.block.device
    gpus = len(list(Path("/dev").glob("nvidia[0-9]*"))) if device != "cpu" else 0
    cores = processor_count()
    usual = gpus or max(1, cores // folder.block.cores)
    workers = max(1, min(options.workers or usual, -(-runs // options.batch)))
    return Layout(workers=workers, cores=max(1, min(folder.block.cores, cores)), gpus=gpus)


@dataclass(slots=True)
class _Driver:
    """Sends segments to workers and monitors them.

    Attributes:
        folder: the folder.
        options: how many at a time, where, how long.
        chosen: status of the chosen runs.
        stop: once set, every run goes to a checkpoint.
        started_s: when the call started, s on the clock of ``time.monotonic``.
    """

    folder: MdFolder
    options: LocalOptions
    chosen: list[RunStatus]
    stop: threading.Event
    started_s: float
    _died: set[str] = field(default_factory=set)
    _stored_s: float = 0.0

    def work(self, runs: list[MdRun], on_update: OnUpdate) -> None:
        """Compute runs until they end, the time is up, or a stop is requested.

        Args:
            runs: the runs.
            on_update: called every second with the status of the chosen runs.
        """
        (self.folder.md / STOP_ALL).unlink(missing_ok=True)
        for run in runs:
            (self.folder.run_folder(run.place).path / STOP).unlink(missing_ok=True)
        layout = plan_layout(self.folder, self.options, len(runs))
        on_update(self._inspect())
        try:
            with local_client(
                layout.workers,
                memory_limit=0,
                resources={"cores": layout.cores, "gpus": layout.gpus_each},
            ) as client:
                self._drive(client, layout, runs, on_update)
        finally:
            (self.folder.md / STOP_ALL).unlink(missing_ok=True)

    def _drive(
        self, client: Client, layout: Layout, waiting: list[MdRun], on_update: OnUpdate
    ) -> None:
        again = f"continue with: dualion md run {self.folder.path}"
        with TaskLoop(
            client, stop=self.stop, without_workers_s=WITHOUT_WORKERS_S, advice=again
        ) as loop:
            while True:
                if self.stop.is_set():
                    (self.folder.md / STOP_ALL).touch()
                may_start = not self.stop.is_set() and self._remaining_s > LEAST_S
                while may_start and waiting and len(loop) < layout.workers:
                    loop.submit(self._segment(layout, self._next(waiting)))
                if not len(loop):
                    return
                for ended in loop.wait(POLL_INTERVAL_S):
                    waiting.extend(self._select_unfinished(ended))
                seen = self._inspect()
                on_update(seen)
                self._update_store(seen)

    @property
    def _remaining_s(self) -> float:
        return self.options.limit_s - (time.monotonic() - self.started_s)

    def _next(self, waiting: list[MdRun]) -> list[MdRun]:
        """Take the runs of the next task: one run, or a batch of runs of its potential.

        A run whose process has died continues alone, so that it ends no other with it.
        """
        first = waiting.pop(0)
        alone = first.key in self._died or bool(first.spec.get("python"))
        if self.options.batch == 1 or alone or not supports(first.engine):
            return [first]
        kind = _kind_of(first)
        others = [run for run in waiting if _kind_of(run) == kind and run.key not in self._died][
            : self.options.batch - 1
        ]
        for run in others:
            waiting.remove(run)
        return [first, *others]

    def _segment(self, layout: Layout, runs: list[MdRun]) -> Task:
        """The task of one segment of these runs."""
        block = self.folder.block
        resources = Resources(
            cores=layout.cores,
            gpus=layout.gpus_each,
            limit_s=self._remaining_s,
            checkpoint_s=block.checkpoint_s,
            launcher=tuple(block.launcher),
        )
        return Task(
            function=run_segment_process,
            arguments=(
                [self.folder.run_folder(run.place).path.resolve() for run in runs],
                resources,
                self.options.device if self.options.device != "auto" else block.device,
                (self.folder.md / STOP_ALL).resolve(),
                layout.gpus,
            ),
            resources={"cores": layout.cores, "gpus": layout.gpus_each},
            label=f"md-{runs[0].key}",
            tag=runs,
        )

    def _select_unfinished(self, ended: Ended) -> list[MdRun]:
        """Select the runs of a task that has ended which need a further segment."""
        runs: list[MdRun] = ended.task.tag
        if ended.error is None:
            reached = [Progress(**one) for one in ended.value]
            return [
                run
                for run, progress in zip(runs, reached, strict=True)
                if progress.state == RunState.PAUSED and progress.reason in ("", DIED)
            ]
        if isinstance(ended.error, InputError):  # another process has it, or its folder is gone
            return []
        return [run for run in runs if self._record_death(run)]

    def _record_death(self, run: MdRun) -> bool:
        """Record that the process of a run died; whether the run continues.

        A folder that cannot be written cannot count: its run is left for a later call.
        """
        self._died.add(run.key)
        try:
            progress = record_death(self.folder.run_folder(run.place).path)
        except InputError:
            return is_held(self.folder.run_folder(run.place))  # its worker died, it did not
        except OSError:
            return False
        return RunState(progress.state) not in FINAL

    def _inspect(self) -> list[RunStatus]:
        return [
            seen if seen.state in _ENDED else inspect_run(self.folder, seen.run, {})
            for seen in self.chosen
        ]

    def _update_store(self, seen: list[RunStatus]) -> None:
        """Update the store from time to time; where another process writes it, later."""
        if time.monotonic() - self._stored_s < STORE_INTERVAL_S:
            return
        self._stored_s = time.monotonic()
        with contextlib.suppress(InputError), self.folder.writing(wait_s=1.0) as runs:
            known = {run.key: run for run in runs.all()}
            for one in seen:
                if one.run.key in known and not one.lost:
                    apply_status(
                        self.folder, runs, inspect_run(self.folder, known[one.run.key], {})
                    )
            self.chosen = [
                inspect_run(self.folder, run, {})
                for run in runs.all()
                if run.key in {one.run.key for one in seen}
            ]


def _kind_of(run: MdRun) -> tuple[str, str | None, str | None]:
    """Potential of a run: engine, model file, environment."""
    return run.engine, run.spec.get("model_path"), run.spec.get("python")


_ENDED = (RunState.DONE, RunState.CANCELLED)
