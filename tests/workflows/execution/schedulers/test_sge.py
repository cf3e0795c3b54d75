"""Grid Engine's answers, recorded from Son of Grid Engine 8.1.9."""

from __future__ import annotations

import pytest

from dualion.workflows.execution.schedulers import CommandOutput, JobState, QueuedJob
from dualion.workflows.execution.schedulers.sge import GridEngine

SGE = GridEngine()

LISTED = """<?xml version='1.0'?>
<job_info  xmlns:xsd="http://arc.liv.ac.uk/repos/darcs/sge/source/dist/util/resources/schemas/\
qstat/qstat.xsd">
  <queue_info>
    <job_list state="running">
      <JB_job_number>1</JB_job_number>
      <JAT_prio>0.50000</JAT_prio>
      <JB_name>x</JB_name>
      <JB_owner>root</JB_owner>
      <state>t</state>
      <JAT_start_time>2026-11-26T01:35:57</JAT_start_time>
      <queue_name>test.q@localhost</queue_name>
      <slots>1</slots>
      <tasks>5</tasks>
    </job_list>
  </queue_info>
  <job_info>
    <job_list state="pending">
      <JB_job_number>1</JB_job_number>
      <JB_name>x</JB_name>
      <state>Eqw</state>
      <queue_name></queue_name>
      <slots>1</slots>
      <tasks>1-4:1</tasks>
    </job_list>
    <job_list state="pending">
      <JB_job_number>2</JB_job_number>
      <JB_name>m</JB_name>
      <state>hqw</state>
      <queue_name></queue_name>
      <slots>1</slots>
    </job_list>
  </job_info>
</job_info>
"""
EMPTY = "<?xml version='1.0'?>\n<job_info>\n  <queue_info>\n  </queue_info>\n</job_info>\n"
DOWN = (
    'error: unable to send message to qmaster using port 50191 on host "localhost": got send '
    "error\n"
    "error: commlib error: got select error (Connection refused)\n"
)


def test_the_id_is_found_wherever_it_stands() -> None:
    assert SGE.parse_job_id('Your job-array 1.1-9:1 ("x") has been submitted\n') == "1"
    assert SGE.parse_job_id('Hello 5\nYour job 42 ("m") has been submitted\nBye\n') == "42"
    assert SGE.parse_job_id("Hello 5\n") is None


def test_jobs_are_told_apart_by_job_and_task() -> None:
    assert SGE.parse_jobs(CommandOutput(status=0, stdout="Banner\n" + LISTED), ["1", "2"]) == [
        QueuedJob(job_id="1", state=JobState.RUNNING, elements=frozenset({5})),
        QueuedJob(job_id="1", state=JobState.HELD, elements=frozenset({1, 2, 3, 4})),
        QueuedJob(job_id="2", state=JobState.HELD),
    ]


@pytest.mark.parametrize(
    ("output", "answer"),
    [
        (CommandOutput(status=0, stdout=EMPTY), []),
        (CommandOutput(status=1, stderr=DOWN), None),
        (CommandOutput(status=0, stderr=DOWN), None),
        (CommandOutput(status=0, stdout=LISTED[:400]), None),  # cut short
        (CommandOutput(status=None), None),
    ],
)
def test_silence_is_not_forgetting(output: CommandOutput, answer: object) -> None:
    assert SGE.parse_jobs(output, ["1"]) == answer


def test_the_map_of_states_is_total() -> None:
    """The table of sge_status(5)."""
    pending = ["qw", "Rq", "hqw", "hRwq", "Eqw", "Ehqw", "EhRqw"]
    running = ["r", "hr", "t", "Rr", "Rt", "dr", "dt", "dRr", "dRt"]
    suspended = [
        "s",
        "ts",
        "S",
        "tS",
        "T",
        "tT",
        "Rs",
        "Rts",
        "RS",
        "RtS",
        "RT",
        "RtT",
        "ds",
        "dS",
        "dT",
        "dRs",
        "dRS",
        "dRT",
    ]
    assert set(SGE.states) == {*pending, *running, *suspended, "z"}
    assert all(SGE.state(name) in (JobState.QUEUED, JobState.HELD) for name in pending)
    assert all(SGE.state(name) is JobState.RUNNING for name in running)
    assert all(SGE.state(name) is JobState.SUSPENDED for name in suspended)
    assert not SGE.state("z").in_queue and SGE.state("?").in_queue


def test_a_job_that_is_gone_may_be_cancelled_again() -> None:
    gone = CommandOutput(status=1, stdout='denied: job "99" does not exist\n')
    silent = CommandOutput(status=1, stdout="unable to send message to qmaster\n", stderr=DOWN)
    assert SGE.has_forgotten(gone) and not SGE.has_forgotten(silent)
