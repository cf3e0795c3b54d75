"""Slurm's answers, recorded from Slurm 22.05.8 where nothing else is said."""

from __future__ import annotations

import pytest

from dualion.workflows.execution.schedulers import CommandOutput, JobRequest, JobState, QueuedJob
from dualion.workflows.execution.schedulers.slurm import Slurm, parse_elements

SLURM = Slurm()

BANNER = (
    "-----------------------------------------------------------------\n"
    "          Welcome to the Example Supercomputer\n"
    "-----------------------------------------------------------------\n\n"
    "--> Verifying valid submit host (login2)...OK\n"
    "--> Verifying access to desired queue (normal)...OK\n"
)

VALID_STATES = (
    "PENDING,RUNNING,SUSPENDED,COMPLETED,CANCELLED,FAILED,TIMEOUT,NODE_FAIL,PREEMPTED,BOOT_FAIL,"
    "DEADLINE,OUT_OF_MEMORY,COMPLETING,CONFIGURING,RESIZING,RESV_DEL_HOLD,REQUEUED,REQUEUE_FED,"
    "REQUEUE_HOLD,REVOKED,SIGNALING,SPECIAL_EXIT,STAGE_OUT,STOPPED"
)
"""What ``squeue --states=NONSENSE`` names."""

OVER = {
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
    "PREEMPTED", "TIMEOUT",
}  # fmt: skip
"""States after which sbatch(1) and squeue(1) let a job compute no more."""


@pytest.mark.parametrize(
    ("answer", "job_id"),
    [
        ("1\n", "1"),
        ("7;tinker\n", "7;tinker"),  # --parsable in a federation: sbatch(1)
        ("Submitted batch job 3\n", "3"),
        ("Submitted batch job 3 on cluster tinker\n", "3;tinker"),
        (BANNER + "Submitted batch job 1001\n", "1001"),
        (BANNER + "1001\n", "1001"),
        ("Balance: 5000 hours\n 2026\n1001\nGood luck\n", "1001"),
        (BANNER, None),
        ("", None),
    ],
)
def test_the_id_is_found_wherever_it_stands(answer: str, job_id: str | None) -> None:
    assert SLURM.parse_job_id(answer) == job_id


def test_the_map_of_states_is_total() -> None:
    native = VALID_STATES.split(",")
    assert set(SLURM.states) == set(native)
    assert {name for name in native if not SLURM.state(name).in_queue} == OVER
    assert SLURM.state("INVENTED") is JobState.UNKNOWN and JobState.UNKNOWN.in_queue


def test_rows_are_told_apart_by_job_and_element() -> None:
    output = CommandOutput(status=0, stdout="1_[1-8] PENDING\n2 PENDING\n1_9 RUNNING\n77 RUNNING\n")
    assert SLURM.parse_jobs(output, ["1", "2", "999"]) == [
        QueuedJob(job_id="1", state=JobState.QUEUED, elements=frozenset(range(1, 9))),
        QueuedJob(job_id="2", state=JobState.QUEUED),
        QueuedJob(job_id="1", state=JobState.RUNNING, elements=frozenset({9})),
    ]


@pytest.mark.parametrize(
    ("status", "said", "answer"),
    [
        (0, "", []),
        (1, "slurm_load_jobs error: Invalid job id specified\n", []),
        (
            1,
            "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n",
            None,
        ),
        (1, "slurm_load_jobs error: Socket timed out on send/recv operation\n", None),
        (127, "squeue: No such file or directory", None),
        (0, "slurm_load_jobs error: Socket timed out on send/recv operation\n", None),  # a wrapper
        (1, "", None),
        (None, "", None),
    ],
)
def test_silence_is_not_forgetting(status: int | None, said: str, answer: object) -> None:
    assert SLURM.parse_jobs(CommandOutput(status=status, stderr=said), ["1"]) == answer


def test_elements_of_an_array() -> None:
    assert parse_elements("_3") == {3}
    assert parse_elements("_[1,4-6%2]") == {1, 4, 5, 6}
    assert parse_elements("_[0-6:2]") == {0, 1, 2, 3, 4, 5, 6}  # a superset is safe
    assert parse_elements("_[1-3,...]") is None
    assert parse_elements("") is None


def test_a_cluster_of_a_federation_is_named_in_every_command() -> None:
    assert SLURM.query_command(["7;tinker"]) == [
        "squeue", "--noheader", "--clusters=tinker", "--jobs=7", "--format=%i %T",
    ]  # fmt: skip
    assert SLURM.cancel_command(SLURM.element_id("7;tinker", 2)) == [
        "scancel", "--clusters=tinker", "7_2",
    ]  # fmt: skip
    assert SLURM.dependency("7;tinker") == "#SBATCH --dependency=afterany:7"
    (job,) = SLURM.parse_jobs(CommandOutput(status=0, stdout="7 RUNNING\n"), ["7;tinker"]) or []
    assert job.job_id == "7;tinker"


def test_a_submission_that_timed_out_may_have_left_a_job() -> None:
    refused = "sbatch: error: Batch job submission failed: Invalid partition name specified\n"
    lost = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation\n"
    assert not SLURM.is_perhaps_accepted(CommandOutput(status=1, stderr=refused))
    assert SLURM.is_perhaps_accepted(CommandOutput(status=1, stderr=lost))
    assert SLURM.is_perhaps_accepted(CommandOutput(status=None))


def test_a_line_break_in_a_directive_does_not_end_the_header() -> None:
    request = JobRequest(name="n", walltime_s=60, directives=("--exclusive\n--qos=long",))
    assert SLURM.header(request)[-2:] == ["#SBATCH --exclusive", "#SBATCH --qos=long"]
    assert SLURM.dask_settings(request)["job_extra_directives"] == ["--exclusive", "--qos=long"]
