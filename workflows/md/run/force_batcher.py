"""Where the runs of a batch meet: each asks for its forces, and one call answers all of them."""

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

from dualion.workflows.md.engines.torch_sim_models import Answer

if TYPE_CHECKING:
    from ase import Atoms

LOOK_EVERY_S = 1.0
"""How often the serving thread wakes up for signals, s."""


@dataclass(slots=True, kw_only=True, eq=False)
class Request:
    """One run's question.

    Attributes:
        place: of the run in its batch.
        atoms: where its atoms are.
        answer: once it is there.
        error: in its place, why there is none.
    """

    place: int
    atoms: Atoms
    answer: Answer | None = None
    error: Exception | None = None


@dataclass(slots=True)
class Meeting:
    """Runs in threads of their own, of which one at a time is at work.

    A run that asks for its forces waits, and the next one works. Once all that are left have
    asked, the thread in ``serve`` answers all of them in one call. So the batch at each step is
    the same however the machine schedules threads, and nothing of a run (its analysis, figures)
    has to be safe for threads.

    Attributes:
        evaluate: energies and forces of several cells.
        members: runs that have not ended.
        most: cells in one call; halved where the device's memory does not suffice.
        together: runs that had their forces at the last step.
    """

    evaluate: Callable[[Sequence[Atoms]], list[Answer]]
    members: int
    most: int = 1_000_000
    together: int = 1
    _requests: list[Request] = field(default_factory=list)
    _turn: threading.Condition = field(default_factory=threading.Condition)

    @contextlib.contextmanager
    def member(self) -> Iterator[None]:
        """The whole of a run's work; the run has left the batch afterwards."""
        with self._turn:
            try:
                yield
            finally:
                self.members -= 1
                self._turn.notify_all()

    def ask(self, place: int, atoms: Atoms) -> Answer:
        """Energy and forces of one run, to be called inside ``member``.

        Raises:
            Exception: what the potential said of this cell alone.
        """
        request = Request(place=place, atoms=atoms)
        self._requests.append(request)
        self._turn.notify_all()
        while request.answer is None and request.error is None:
            self._turn.wait()
        if request.error is not None:
            raise request.error
        assert request.answer is not None
        return request.answer

    def serve(self, stop: threading.Event) -> None:
        """Answer until every run has left.

        Raises:
            KeyboardInterrupt: after all runs have been brought to a checkpoint.
        """
        interrupted: KeyboardInterrupt | None = None
        with self._turn:
            while self.members > 0:
                try:
                    if len(self._requests) < self.members:
                        self._turn.wait(LOOK_EVERY_S)
                        continue
                    answer_all(self, sorted(self._requests, key=lambda asked: asked.place))
                    self.together = len(self._requests)
                    self._requests.clear()
                    self._turn.notify_all()
                except KeyboardInterrupt as error:
                    stop.set()
                    interrupted = error
        if interrupted is not None:
            raise interrupted


def answer_all(meeting: Meeting, requests: Sequence[Request]) -> None:
    """Answer requests in as few calls as the memory allows.

    A cell whose atoms are nowhere is answered with NaN, for its guard to see, and never reaches
    the others' neighbour list. Where a call fails, its halves are tried, down to the one cell that
    makes it fail.
    """
    sound = []
    for request in requests:
        if np.isfinite(request.atoms.positions).all():
            sound.append(request)
        else:
            request.answer = (np.nan, np.full((len(request.atoms), 3), np.nan))
    parts = _parts(sound, meeting.most)
    while parts:
        part = parts.pop(0)
        try:
            found = meeting.evaluate([request.atoms for request in part])
        except Exception as error:
            if len(part) == 1:
                part[0].error = error
                continue
            half = (len(part) + 1) // 2
            if _out_of_memory(error):
                meeting.most = min(meeting.most, half)
            parts = [part[:half], part[half:], *parts]
        else:
            for request, answer in zip(part, found, strict=True):
                request.answer = answer


def _parts(requests: list[Request], most: int) -> list[list[Request]]:
    """Equal parts of at most so many."""
    calls = -(-len(requests) // most)
    edges = [len(requests) * call // calls for call in range(calls + 1)] if calls else []
    return [requests[a:b] for a, b in pairwise(edges)]


def _out_of_memory(error: Exception) -> bool:
    torch = sys.modules.get("torch")  # without it nothing can have run out of a GPU's memory
    if torch is None or not isinstance(error, torch.OutOfMemoryError):
        return False
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return True


class MeetingCalculator(Calculator):  # type: ignore[misc]
    """ASE's calculator of one run: it asks the meeting."""

    implemented_properties = ("energy", "forces")

    def __init__(self, meeting: Meeting, place: int) -> None:
        super().__init__()
        self._meeting, self._place = meeting, place

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Any = all_changes,
    ) -> None:
        """Ask for energy and forces."""
        super().calculate(atoms, properties, system_changes)
        energy, forces = self._meeting.ask(self._place, self.atoms)
        self.results = {"energy": energy, "forces": forces}
