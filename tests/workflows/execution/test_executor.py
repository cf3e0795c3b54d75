"""The executor against work that crashes, hangs, eats memory, or is stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import work_samples

from dualion.screening.screen_options import ScreenOptions
from dualion.structures.records import RawEntry, Rejection
from dualion.workflows.campaign.tasks import Job, Outcome, rejection_outcome
from dualion.workflows.execution.chunks import CHUNK_JOBS, LARGE_CHUNK_JOBS, Chunks
from dualion.workflows.execution.executor import CHUNKS_PER_WORKER, run_all
from dualion.workflows.execution.isolation import run_isolated
from dualion.workflows.execution.workers import local_client

OPTIONS = ScreenOptions()
WORKERS = 2


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with local_client(WORKERS, memory_limit="1GiB") as connected:
        yield connected


def job(index: int, text: str = "", cost_s: float = 0.0) -> Job:
    entry = RawEntry(source="test", source_id=f"s{index}", format="none", text=text)
    return Job(index=index, entry=entry, options=OPTIONS, cost_s=cost_s)


def ran(client: Any, texts: list[str], time_limit_s: float = 30.0) -> dict[int, Outcome]:
    """Outcomes by index; each index must come exactly once."""
    jobs = [job(i, text) for i, text in enumerate(texts)]
    outcomes = list(run_all(client, jobs, time_limit_s=time_limit_s, work=work_samples.as_told))
    assert sorted(o.index for o in outcomes) == list(range(len(texts)))
    return {o.index: o for o in outcomes}


def statuses(outcomes: dict[int, Outcome]) -> dict[int, tuple[object, object]]:
    return {i: (o.rows[0]["status"], o.rows[0].get("reason")) for i, o in outcomes.items()}


def test_many_jobs_run_in_worker_processes(client: Any) -> None:
    outcomes = ran(client, [""] * 60)
    assert {o.rows[0]["status"] for o in outcomes.values()} == {"ok"}
    assert len({o.rows[0]["seconds"] for o in outcomes.values()}) == WORKERS


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        ("segfault", "crashed"),
        ("exit", "crashed"),
        ("abort", "crashed"),
        ("memory_error", "out_of_memory"),
        ("take_memory", "out_of_memory"),
    ],
)
def test_a_job_that_kills_its_process_costs_only_itself(
    client: Any, harm: str, reason: str
) -> None:
    outcomes = ran(client, ["", "", harm, "", ""])
    expected = dict.fromkeys(range(5), ("ok", None)) | {2: ("failed", reason)}
    assert statuses(outcomes) == expected
    message = str(outcomes[2].rows[0]["message"])
    assert "also when run alone" in message
    assert outcomes[2].traceback or harm == "exit"  # which leaves no trace


@pytest.mark.slow
def test_hanging_jobs_end_at_the_time_limit_even_in_compiled_code(client: Any) -> None:
    outcomes = ran(client, ["", "hang", "", "compiled_hang"], time_limit_s=1.0)
    assert statuses(outcomes) == {
        0: ("ok", None),
        1: ("failed", "time_limit"),
        2: ("ok", None),
        3: ("failed", "time_limit"),
    }
    assert "longer than 1 s" in str(outcomes[1].rows[0]["message"])
    assert "as_told" in outcomes[1].traceback


def test_a_job_whose_worker_died_once_is_not_blamed(client: Any, tmp_path: Any) -> None:
    outcomes = ran(client, [f"once:{tmp_path / 'crashed'}:segfault", ""])
    assert statuses(outcomes) == {0: ("ok", None), 1: ("ok", None)}


def test_a_kill_from_outside_is_not_held_against_the_job(tmp_path: Any) -> None:
    jobs = [job(0, f"once:{tmp_path / 'killed'}:kill"), job(1)]
    outcomes = run_isolated(jobs, work=work_samples.as_told, time_limit_s=30.0)
    assert [o.rows[0]["status"] for o in outcomes] == ["ok", "ok"]


def test_the_stage_of_a_crash_is_what_the_child_recorded() -> None:
    jobs = [job(0, "segfault_in_prepare"), job(1, "segfault"), job(2, "segfault_in_prepare")]
    outcomes = run_isolated(jobs, work=work_samples.as_told, time_limit_s=30.0)
    assert [o.stage for o in outcomes] == ["prepare", "screen", "prepare"]


def test_a_job_that_is_killed_time_and_again_fails() -> None:
    (outcome,) = run_isolated([job(0, "kill")], work=work_samples.as_told, time_limit_s=30.0)
    assert (outcome.rows[0]["status"], outcome.rows[0]["reason"]) == ("failed", "crashed")
    assert "SIGKILL" in str(outcome.rows[0]["message"])


def test_rejections_pass_through_among_jobs(client: Any) -> None:
    gone = Rejection(source="test", source_id="r", stage="read", reason="empty", message="Empty.")
    mixed = [job(0), rejection_outcome(1, gone, OPTIONS), job(2)]
    outcomes = list(run_all(client, mixed, time_limit_s=30.0, work=work_samples.tame))
    assert {o.index: o.rows[0]["status"] for o in outcomes} == {0: "ok", 1: "rejected", 2: "ok"}


def test_no_more_than_a_window_of_jobs_is_read_ahead(client: Any) -> None:
    """The input is read lazily: what is read and not yet given back fits the window."""
    read = 0

    def endless() -> Iterator[Job]:
        nonlocal read
        for index in range(2000):
            read += 1
            yield job(index)

    most_open = 0
    for given, _ in enumerate(
        run_all(client, endless(), time_limit_s=30.0, work=work_samples.tame), start=1
    ):
        most_open = max(most_open, read - given)
    assert read == 2000
    assert most_open <= WORKERS * CHUNKS_PER_WORKER * CHUNK_JOBS


def test_after_a_stop_what_is_in_flight_is_awaited_and_no_more_is_begun(client: Any) -> None:
    stop = threading.Event()
    given = []
    jobs = (job(index, "slow") for index in range(1000))
    for outcome in run_all(client, jobs, time_limit_s=30.0, work=work_samples.as_told, stop=stop):
        given.append(outcome.index)
        stop.set()
    assert 1 <= len(given) <= WORKERS * CHUNKS_PER_WORKER * CHUNK_JOBS
    assert len(set(given)) == len(given)


def test_a_stop_ends_within_two_structures_of_each_worker(client: Any, tmp_path: Path) -> None:
    log, stop = tmp_path / "log", threading.Event()
    jobs = (job(index, str(log)) for index in range(1000))
    begun_at_stop = 0

    def ask() -> None:
        nonlocal begun_at_stop
        while not log.exists() or len(log.read_text().split()) < 20:
            time.sleep(0.01)
        begun_at_stop = len(log.read_text().split())
        stop.set()

    asking = threading.Thread(target=ask)
    asking.start()
    outcomes = list(run_all(client, jobs, time_limit_s=30.0, work=work_samples.logged, stop=stop))
    asking.join()
    begun = len(log.read_text().split())
    assert 0 < begun_at_stop <= begun <= begun_at_stop + 2 * WORKERS
    assert len(outcomes) == begun  # what was begun is kept


def kill_holder(client: Any) -> None:
    """Kill a worker that holds the result of a chunk, and wait until it is gone."""
    end = time.monotonic() + 60
    while not (holders := [at for at, keys in client.has_what().items() if keys]):
        assert time.monotonic() < end
        time.sleep(0.05)
    (pid,) = client.run(os.getpid, workers=holders[:1]).values()
    os.kill(pid, signal.SIGKILL)
    while holders[0] in client.nthreads():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_result_that_is_lost_with_its_worker_is_computed_again(client: Any) -> None:
    """The source pauses while a finished chunk waits at its worker, and that dies."""

    def source() -> Iterator[Job]:
        for index in range(32):
            if index == 20:
                time.sleep(3.0)
                kill_holder(client)
                time.sleep(0.5)
            yield job(index)

    outcomes = list(run_all(client, source(), time_limit_s=30.0, work=work_samples.tame))
    assert sorted(o.index for o in outcomes) == list(range(32))
    assert {o.rows[0]["status"] for o in outcomes} == {"ok"}


def test_a_worker_that_is_killed_while_it_starts_is_started_again() -> None:
    import psutil

    def kill_first() -> None:
        me = psutil.Process()
        while True:
            for child in me.children():
                with contextlib.suppress(psutil.Error):
                    if child.pid not in before and "spawn_main" in " ".join(child.cmdline()):
                        child.kill()
                        return
            time.sleep(0.005)

    before = {child.pid for child in psutil.Process().children()}
    killer = threading.Thread(target=kill_first)
    killer.start()
    with local_client(1) as connected:
        assert not killer.is_alive()
        outcomes = list(run_all(connected, [job(0)], time_limit_s=30.0, work=work_samples.tame))
    assert [o.rows[0]["status"] for o in outcomes] == ["ok"]


def sizes(jobs: list[Job], *, workers: int = 1, expected_s: float | None = None) -> list[int]:
    """How many jobs the chunks hold, one after the other."""
    chunks = Chunks(jobs, expected_s=expected_s)
    cuts = iter(lambda: chunks.next(workers), None)
    return [len(cut.chunk) for cut in cuts if cut]


def test_chunks_are_bounded_in_number_and_in_time() -> None:
    assert sizes([job(i) for i in range(20)]) == [16, 4]
    assert sizes([job(i, cost_s=1.5) for i in range(4)]) == [2, 2]


def test_chunks_are_large_while_much_is_left_and_small_at_the_end() -> None:
    jobs = [job(i, cost_s=0.01) for i in range(2000)]
    found = sizes(jobs, workers=2, expected_s=20.0)
    assert sum(found) == 2000
    assert found[0] == LARGE_CHUNK_JOBS
    assert found == sorted(found, reverse=True)
    assert sum(found[-2:]) * 0.01 <= 0.5  # the last one of each worker
