"""Forces of a batch: which runs are evaluated together, and what one run does to others."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from ase import Atoms

from dualion.workflows.md.run.force_batcher import (
    BatchedCalculator,
    ForceBatcher,
    ForceRequest,
    evaluate_requests,
)
from dualion.workflows.potentials.standalone.batches import EnergyAndForces


def atoms_at(x: float) -> Atoms:
    return Atoms("Ar", positions=[[x, 0.0, 0.0]], cell=[9.0, 9.0, 9.0], pbc=True)


def spring(cells: Sequence[Atoms]) -> list[EnergyAndForces]:
    """Each atom on a spring to the origin."""
    return [(0.5 * float((c.positions**2).sum()), -c.positions.copy()) for c in cells]


def together(batcher: ForceBatcher, jobs: Sequence[Callable[[], None]]) -> threading.Event:
    """Work the jobs off as runs of the batch."""

    def work(job: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError), batcher.join_run():
            job()

    stop = threading.Event()
    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        batcher.serve(stop)
    finally:
        for thread in threads:
            thread.join(timeout=10.0)
        assert not any(thread.is_alive() for thread in threads)
    return stop


def test_each_run_gets_its_own_answer_and_those_that_are_left_are_asked_together() -> None:
    sizes: list[int] = []
    heard: dict[int, list[float]] = {0: [], 1: [], 2: []}

    def evaluate(cells: Sequence[Atoms]) -> list[EnergyAndForces]:
        sizes.append(len(cells))
        return spring(cells)

    batcher = ForceBatcher(evaluate, 3)

    def run(place: int, steps: int) -> Callable[[], None]:
        def job() -> None:
            calculator = BatchedCalculator(batcher, place)
            for step in range(steps):
                atoms = atoms_at(10.0 * place + step)
                atoms.calc = calculator
                heard[place].append(float(atoms.get_forces()[0, 0]))

        return job

    together(batcher, [run(0, 4), run(1, 2), run(2, 3)])
    assert heard == {0: [0, -1, -2, -3], 1: [-10, -11], 2: [-20, -21, -22]}
    assert sizes == [3, 3, 2, 1]


def test_a_run_that_breaks_down_leaves_and_the_others_go_on() -> None:
    batcher = ForceBatcher(spring, 2)
    heard: list[float] = []

    def broken() -> None:
        batcher.request_forces(0, atoms_at(1.0))
        raise RuntimeError("broken down")

    def sound() -> None:
        heard.extend(batcher.request_forces(1, atoms_at(float(x)))[0] for x in range(4))

    together(batcher, [broken, sound])
    assert heard == [0.0, 0.5, 2.0, 4.5]


def test_atoms_that_are_nowhere_never_reach_the_potential() -> None:
    asked: list[int] = []

    def evaluate(cells: Sequence[Atoms]) -> list[EnergyAndForces]:
        assert all(np.isfinite(c.positions).all() for c in cells)
        asked.append(len(cells))
        return spring(cells)

    requests = [ForceRequest(index=i, atoms=atoms_at(x)) for i, x in enumerate((1.0, np.nan, 3.0))]
    evaluate_requests(ForceBatcher(evaluate, 3), requests)
    energies = [request.result[0] for request in requests if request.result]
    assert asked == [2]
    assert np.array_equal(energies, [0.5, np.nan, 4.5], equal_nan=True)


def test_the_one_cell_that_the_potential_refuses_is_found() -> None:
    def evaluate(cells: Sequence[Atoms]) -> list[EnergyAndForces]:
        if any(c.positions[0, 0] == 2.0 for c in cells):
            raise ValueError("no such element")
        return spring(cells)

    requests = [ForceRequest(index=i, atoms=atoms_at(float(i))) for i in range(5)]
    batcher = ForceBatcher(evaluate, 5)
    evaluate_requests(batcher, requests)
    assert [str(request.error) for request in requests if request.error] == ["no such element"]
    assert requests[2].error is not None
    assert [r.result[0] for r in requests if r.result] == [0.0, 0.5, 4.5, 8.0]
    assert batcher.largest_batch > 5


def test_a_batch_that_does_not_fit_is_computed_in_parts_from_then_on() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    sizes: list[int] = []

    def evaluate(cells: Sequence[Atoms]) -> list[EnergyAndForces]:
        sizes.append(len(cells))
        if len(cells) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return spring(cells)

    batcher = ForceBatcher(evaluate, 7)
    for _ in range(2):
        requests = [ForceRequest(index=i, atoms=atoms_at(float(i))) for i in range(7)]
        evaluate_requests(batcher, requests)
        assert [r.result[0] for r in requests if r.result] == [0.5 * i**2 for i in range(7)]
    assert batcher.largest_batch == 2
    assert sizes == [7, 4, 2, 2, 3, 2, 1, 1, 2, 2, 2]


def test_ctrl_c_asks_all_runs_to_stop_and_waits_for_them() -> None:
    calls: list[int] = []
    saved: list[int] = []

    def evaluate(cells: Sequence[Atoms]) -> list[EnergyAndForces]:
        calls.append(len(cells))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return spring(cells)

    batcher = ForceBatcher(evaluate, 2)
    stop = threading.Event()

    def run(place: int) -> None:
        with batcher.join_run():
            while not stop.is_set():
                batcher.request_forces(place, atoms_at(1.0))
            saved.append(place)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    with pytest.raises(KeyboardInterrupt):
        batcher.serve(stop)
    for thread in threads:
        thread.join(timeout=10.0)
    assert sorted(saved) == [0, 1]
    assert calls == [2, 2, 2, 2]
