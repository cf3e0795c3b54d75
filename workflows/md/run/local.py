"""``dualion md run``: pieces as Dask tasks on this machine, each with its cores and GPU."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualion.results.store import MdRun
from dualion.structures.errors import DualionError, InputError
from dualion.workflows.execution.locks import folder_lock
from dualion.workflows.execution.task_loop import ClusterLostError
from dualion.workflows.execution.threads import thread_environment
from dualion.workflows.execution.workers import local_client, processor_count
from dualion.workflows.md.engines.base import Resources
from dualion.workflows.md.engines.torch_sim_models import supports
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.reconcile import RunStatus, apply_status, inspect_run, reconcile, reopen
from dualion.workflows.md.run.run_folder import Progress, RunFolder
from dualion.workflows.md.run.supervisor import STOP, end_run
from dualion.workflows.md.states import RunState

if TYPE_CHECKING:
    from distributed import Client, Future

DRIVER_LOCK = ".driver.lock"
STOP_ALL = ".stop"
LOG = "piece.log"
"""What the process of a run's pieces says, in the run's folder."""

SILENCE_S = 180.0
"""How long no Dask worker may be there before this gives up, s."""

LOOK_EVERY_S = 1.0
STORE_EVERY_S = 10.0
"""How often the store follows the runs while they go on, s."""

LEAST_S = 5.0
"""With less time than this no piece is begun, s."""

LOST_MOST = 3
"""How often the process of a run may die before the run is given up."""

OnUpdate = Callable[[list[RunStatus]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    """How runs are worked off here.

    Attributes:
        workers: runs at a time; 0 for as many as cores or GPUs allow.
        device: auto, cpu or cuda.
        limit_s: when everything is to be at a checkpoint, s from the beginning; inf for no limit.
        ids: names of structures; none for all.
        retry_failed: let failed runs go on too.
        batch: most runs of one potential that one worker moves together; 1 for none.
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
    """Work off a folder's runs, or bring them as far as the time allows.

    Args:
        folder: the folder.
        options: how many at a time, where, how long.
        stop: once it is set, every run is brought to a checkpoint.
        on_update: called every second with how the chosen runs stand.

    Returns:
        How the chosen runs stand.

    Raises:
        InputError: nothing is queued, an id is unknown, or another process does this already.
    """
    begun = time.monotonic()
    with folder.reading():
        pass  # nothing is queued: said before a folder is made
    folder.md.mkdir(exist_ok=True)
    with folder_lock(folder.md, DRIVER_LOCK):
        chosen = _chosen(folder, options)
        left = [seen for seen in chosen if seen.state in (RunState.PREPARED, RunState.PAUSED)]
        if left:
            driver = _Driver(folder, options, chosen, stop or threading.Event(), begun)
            driver.work([seen.run for seen in left], on_update or (lambda _: None))
        return _settled(folder, [seen.run.key for seen in chosen])


def _chosen(folder: MdFolder, options: LocalOptions) -> list[RunStatus]:
    """The runs that are meant, brought up to date.

    Raises:
        InputError: an id is unknown.
    """
    with folder.writing() as runs:
        seen = [one for one in reconcile(folder, runs) if wanted(one.run, options.ids)]
        if options.ids and not seen:
            raise InputError(
                f"No run of {', '.join(options.ids)} is queued; see: dualion md status "
                f"{folder.path}"
            )
        if options.retry_failed:
            for one in seen:
                if one.state is RunState.FAILED:
                    reopen(folder, runs, one)
            return [one for one in reconcile(folder, runs) if wanted(one.run, options.ids)]
    return seen


def wanted(run: MdRun, ids: Sequence[str]) -> bool:
    """Whether a run is meant by ids: of its structure, its key, or the beginning of that."""
    return not ids or any(run.source_id == name or run.key.startswith(name) for name in ids)


def _settled(folder: MdFolder, keys: Sequence[str]) -> list[RunStatus]:
    with folder.writing() as runs:
        return [seen for seen in reconcile(folder, runs) if seen.run.key in set(keys)]


@dataclass(slots=True)
class _Driver:
    """Sends pieces to workers and looks after them."""

    folder: MdFolder
    options: LocalOptions
    chosen: list[RunStatus]
    stop: threading.Event
    begun: float
    _lost: dict[str, int] = field(default_factory=dict)
    _written: float = 0.0
    _heard: float = field(default_factory=time.monotonic)

    def work(self, runs: list[MdRun], on_update: OnUpdate) -> None:
        """Work off runs until they have ended, the time is up, or a stop is asked for."""
        (self.folder.md / STOP_ALL).unlink(missing_ok=True)
        for run in runs:
            (self.folder.run_folder(run.place).path / STOP).unlink(missing_ok=True)
        layout = layout_of(self.folder, self.options, len(runs))
        on_update(self._look())
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
        flying: dict[Future, list[MdRun]] = {}
        while True:
            if self.stop.is_set():
                (self.folder.md / STOP_ALL).touch()
            going_on = not self.stop.is_set() and self._left_s > LEAST_S
            while going_on and waiting and len(flying) < layout.workers:
                runs = self._next(waiting)
                flying[self._send(client, layout, runs)] = runs
            if not flying:
                return
            _wait(flying)
            self._check(client)
            for future in [future for future in flying if future.done()]:
                waiting.extend(self._going_on(future, flying.pop(future)))
            seen = self._look()
            on_update(seen)
            self._note(seen)

    def _check(self, client: Client) -> None:
        """Give up when all workers are gone.

        Raises:
            ClusterLostError: they have been for too long.
        """
        now = time.monotonic()
        if client.scheduler_info(n_workers=-1)["workers"]:
            self._heard = now
        elif now - self._heard > SILENCE_S:
            raise ClusterLostError(
                "The worker processes are gone. What was computed is kept; go on with: dualion md "
                f"run {self.folder.path}"
            )

    @property
    def _left_s(self) -> float:
        return self.options.limit_s - (time.monotonic() - self.begun)

    def _next(self, waiting: list[MdRun]) -> list[MdRun]:
        """Take out what a worker gets: one run, or a batch of runs of its potential.

        A run whose process has died goes on alone, so that it takes no other with it.
        """
        first = waiting.pop(0)
        if self.options.batch == 1 or first.key in self._lost or not supports(first.engine):
            return [first]
        kind = (first.engine, first.spec.get("model_path"))
        others = [
            run
            for run in waiting
            if (run.engine, run.spec.get("model_path")) == kind and run.key not in self._lost
        ][: self.options.batch - 1]
        for run in others:
            waiting.remove(run)
        return [first, *others]

    def _send(self, client: Client, layout: Layout, runs: list[MdRun]) -> Future:
        block = self.folder.block
        resources = Resources(
            cores=layout.cores,
            gpus=layout.gpus_each,
            limit_s=self._left_s,
            checkpoint_s=block.checkpoint_s,
            launcher=tuple(block.launcher),
        )
        return client.submit(
            _piece,
            [self.folder.run_folder(run.place).path.resolve() for run in runs],
            resources,
            self.options.device if self.options.device != "auto" else block.device,
            (self.folder.md / STOP_ALL).resolve(),
            layout.gpus,
            resources={"cores": layout.cores, "gpus": layout.gpus_each},
            pure=False,
            key=f"md-{runs[0].key}-{time.monotonic_ns()}",
        )

    def _going_on(self, future: Future, runs: list[MdRun]) -> list[MdRun]:
        """Runs that need a further piece now that one has ended."""
        error = future.exception() if future.status == "error" else None
        if error is None and future.status == "finished":
            stand = [Progress(**one) for one in future.result()]
            return [
                run
                for run, progress in zip(runs, stand, strict=True)
                if progress.state == RunState.PAUSED and not progress.reason
            ]
        if isinstance(error, InputError):  # another process has it, or its folder is gone
            return []
        return [run for run in runs if self._tried_again(run)]

    def _tried_again(self, run: MdRun) -> bool:
        """Whether a run goes on after its process has died."""
        self._lost[run.key] = self._lost.get(run.key, 0) + 1
        if self._lost[run.key] < LOST_MOST:
            return True
        with contextlib.suppress(InputError, OSError):
            end_run(
                self.folder.run_folder(run.place),
                RunState.FAILED,
                "process_killed",
                f"Its process died {LOST_MOST} times, most likely for want of memory; use fewer "
                "--workers or a smaller cell, then: dualion md run --retry-failed",
            )
        return False

    def _look(self) -> list[RunStatus]:
        return [
            seen if seen.state in _ENDED else inspect_run(self.folder, seen.run, {})
            for seen in self.chosen
        ]

    def _note(self, seen: list[RunStatus]) -> None:
        """Let the store follow now and then; where another process writes it, later."""
        if time.monotonic() - self._written < STORE_EVERY_S:
            return
        self._written = time.monotonic()
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


_ENDED = (RunState.DONE, RunState.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How this machine is shared.

    Attributes:
        workers: processes, one run each.
        cores: of each.
        gpus: of the machine that are used; 0 for none.
    """

    workers: int
    cores: int
    gpus: int

    @property
    def gpus_each(self) -> int:
        """GPUs that a run is counted with."""
        return 1 if self.gpus else 0


def layout_of(folder: MdFolder, options: LocalOptions, runs: int) -> Layout:
    """How many runs at a time, and with how many cores each."""
    device = options.device if options.device != "auto" else folder.block.device
    gpus = len(list(Path("/dev").glob("nvidia[0-9]*"))) if device != "cpu" else 0
    cores = processor_count()
    usual = gpus or max(1, cores // folder.block.cores)
    workers = max(1, min(options.workers or usual, -(-runs // options.batch)))
    return Layout(workers=workers, cores=max(1, min(folder.block.cores, cores)), gpus=gpus)


def _wait(flying: dict[Future, list[MdRun]]) -> None:
    from distributed import wait

    with contextlib.suppress(TimeoutError):
        wait(list(flying), timeout=LOOK_EVERY_S, return_when="FIRST_COMPLETED")


class PieceDiedError(DualionError):
    """The process of a piece was killed, or broke down without a word in its run's folder."""


def _piece(
    paths: Sequence[Path], resources: Resources, device: str, stop_file: Path, gpus: int
) -> list[dict[str, Any]]:
    """A piece of one run, or of several as a batch, in a process of its own.

    So what kills it leaves the Dask worker alive.

    Raises:
        InputError: there is no run, or another process has it.
        PieceDiedError: its process died.
    """
    import subprocess

    words = [
        sys.executable, "-m", "dualion.workflows.md.run.job", *map(str, paths),
        "--cores", str(resources.cores), "--gpus", str(resources.gpus), "--device", device,
        "--limit-s", str(resources.limit_s), "--checkpoint-s", str(resources.checkpoint_s),
        "--launcher", shlex.join(resources.launcher), "--stop-file", str(stop_file),
        "--with-parent", *(["--together"] if len(paths) > 1 else []),
    ]  # fmt: skip
    with (paths[0] / LOG).open("ab") as log:
        status = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(resources, gpus),
            start_new_session=True,  # a Ctrl-C of the terminal is the driver's to handle
        ).returncode
    if status == 2:
        raise InputError(f"{paths[0]} was left alone; see its {LOG}.")
    if status not in (0, 1):
        raise PieceDiedError(f"The process of {paths[0]} ended with status {status}.")
    return [asdict(RunFolder(path).progress()) for path in paths]


def _environment(resources: Resources, gpus: int) -> dict[str, str]:
    """Environment of a piece: the same modules, its share of cores, one of the GPUs."""
    from distributed import get_worker

    own = {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    own |= thread_environment(resources.cores)
    if gpus > 1 and "CUDA_VISIBLE_DEVICES" not in os.environ:
        own["CUDA_VISIBLE_DEVICES"] = str(int(get_worker().name) % gpus)
    return os.environ | own
