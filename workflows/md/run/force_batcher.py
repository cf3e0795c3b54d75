"""Collect the force requests of the runs of a batch and answer them in one evaluation."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from dualion.workflows.potentials.standalone.batches import EnergyAndForces

if TYPE_CHECKING:
    from ase import Atoms

POLL_INTERVAL_S = 1.0
"""How often the serving thread wakes up for signals, s."""


@dataclass(slots=True, kw_only=True, eq=False)
class ForceRequest:
    """The request of one run.

    Attributes:
        index: of the run in its batch.
        atoms: its atoms at their present positions.
        result: energy and forces, once they are computed.
        error: why there is no result.
    """

    index: int
    atoms: Atoms
    result: EnergyAndForces | None = None
    error: Exception | None = None


@dataclass(slots=True)
class ForceBatcher:
    """Force requests of runs in threads of their own, of which one at a time executes.

    A run that requests its forces waits, and the next one executes. Once all active runs have
    requested, the thread in ``serve`` evaluates all of them in one call. So the batch at each step
    does not depend on how the machine schedules threads, and no code of a run (its analysis,
    figures) has to be thread-safe.

    Attributes:
        evaluate: computes energies and forces of several cells.
        active_runs: runs that have not ended.
        largest_batch: most cells in one call; halved where the device runs out of memory.
        last_batch_size: runs that had their forces computed at the last step.
    """

    evaluate: Callable[[Sequence[Atoms]], list[EnergyAndForces]]
    active_runs: int
    largest_batch: int = 1_000_000
    last_batch_size: int = 1
    _requests: list[ForceRequest] = field(default_factory=list)
    _turn: threading.Condition = field(default_factory=threading.Condition)

    @contextlib.contextmanager
    def join_run(self) -> Iterator[None]:
        """Enclose all work of a run; the run leaves the batch at the end."""
        with self._turn:
            try:
                yield
            finally:
                self.active_runs -= 1
                self._turn.notify_all()

    def request_forces(self, index: int, atoms: Atoms) -> EnergyAndForces:
        """Wait for energy and forces of one run; call it inside ``join_run``.

        Args:
            index: of the run in its batch.
            atoms: its n atoms.

        Returns:
            Energy, eV, and forces, shape (n, 3), eV/Å.

        Raises:
            Exception: the error of the potential for this cell alone.
        """
        request = ForceRequest(index=index, atoms=atoms)
        self._requests.append(request)
        self._turn.notify_all()
        while request.result is None and request.error is None:
            self._turn.wait()
        if request.error is not None:
            raise request.error
        assert request.result is not None
        return request.result

    def serve(self, stop: threading.Event) -> None:
        """Evaluate requests until every run has left.

        Args:
            stop: set on Ctrl-C, which asks all runs to write a checkpoint and leave.

        Raises:
            KeyboardInterrupt: after all runs have written a checkpoint.
        """
        interrupted: KeyboardInterrupt | None = None
        with self._turn:
            while self.active_runs > 0:
                try:
                    if len(self._requests) < self.active_runs:
                        self._turn.wait(POLL_INTERVAL_S)
                        continue
                    evaluate_requests(self, sorted(self._requests, key=lambda r: r.index))
                    self.last_batch_size = len(self._requests)
                    self._requests.clear()
                    self._turn.notify_all()
                except KeyboardInterrupt as error:
                    stop.set()
                    interrupted = error
        if interrupted is not None:
            raise interrupted


def evaluate_requests(batcher: ForceBatcher, requests: Sequence[ForceRequest]) -> None:
    """Fill in the results of requests, in as few evaluations as the memory allows.

    A cell with positions that are not finite gets NaN, for its guard to detect, and is kept out of
    the neighbour list of the others. A failed evaluation is repeated in halves, down to the one
    cell that makes it fail.

    Args:
        batcher: its ``evaluate`` computes; its ``largest_batch`` is lowered on lack of memory.
        requests: requests of the active runs, in the order of the batch.
    """
    finite = []
    for request in requests:
        if np.isfinite(request.atoms.positions).all():
            finite.append(request)
        else:
            request.result = (np.nan, np.full((len(request.atoms), 3), np.nan))
    parts = _split_evenly(finite, batcher.largest_batch)
    while parts:
        part = parts.pop(0)
        try:
            results = batcher.evaluate([request.atoms for request in part])
        except Exception as error:
            if len(part) == 1:
                part[0].error = error
                continue
            half = (len(part) + 1) // 2
            if _is_out_of_memory(error):
                batcher.largest_batch = min(batcher.largest_batch, half)
            parts = [part[:half], part[half:], *parts]
        else:
            for request, result in zip(part, results, strict=True):
                request.result = result


def _split_evenly(requests: list[ForceRequest], largest: int) -> list[list[ForceRequest]]:
    """Split requests into equal parts of at most ``largest``."""
    calls = -(-len(requests) // largest)
    edges = [len(requests) * call // calls for call in range(calls + 1)] if calls else []
    return [requests[a:b] for a, b in pairwise(edges)]


def _is_out_of_memory(error: Exception) -> bool:
    torch = sys.modules.get("torch")  # without torch no GPU memory can have run out
    if torch is None or not isinstance(error, torch.OutOfMemoryError):
        return False
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return True


class BatchedCalculator(Calculator):  # type: ignore[misc]
    """ASE calculator of one run that requests its results from the batcher.

    Args:
        batcher: of the batch.
        index: of the run in it.
        verify: called with the atoms and their result; raises where the batch is wrong.
    """

    implemented_properties = ("energy", "forces")

    def __init__(
        self,
        batcher: ForceBatcher,
        index: int,
        verify: Callable[[Atoms, EnergyAndForces], None] = lambda atoms, result: None,
    ) -> None:
        super().__init__()
        self._batcher, self._index, self._verify = batcher, index, verify

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Any = all_changes,
    ) -> None:
        """Request energy and forces.

        Args:
            atoms: as ASE passes them.
            properties: ignored; energy and forces come together.
            system_changes: as ASE passes them.
        """
        super().calculate(atoms, properties, system_changes)
        energy, forces = self._batcher.request_forces(self._index, self.atoms)
        self._verify(self.atoms, (energy, forces))
        self.results = {"energy": energy, "forces": forces}
