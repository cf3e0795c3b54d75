"""PBS's answers, in the forms of the PBS Professional reference guide (qsub, qstat, qdel)."""

from __future__ import annotations

import pytest

from dualion.workflows.execution.schedulers import CommandOutput, JobState, QueuedJob
from dualion.workflows.execution.schedulers.pbs import PBS as System

PBS = System()

ARRAY = """\
Job Id: 12[].pbs
    Job_Name = campaign
    Job_Owner = user@login
    job_state = B
    array_state_count = Queued:1 Running:1 Exiting:0 Expired:1
    array_indices_submitted = 1-3
    Variable_List = PBS_O_HOME=/home/user,PBS_O_SYSTEM=Linux,
\tjob_state = not this one

Job Id: 12[1].pbs
    Job_Name = campaign
    job_state = X

Job Id: 12[2].pbs
    Job_Name = campaign
    job_state = R

Job Id: 12[3].pbs
    Job_Name = campaign
    job_state = Q

Job Id: 13.pbs
    Job_Name = merge
    job_state = H
"""


def test_the_id_is_found_wherever_it_stands() -> None:
    assert PBS.parse_job_id("12[].pbs-server\n") == "12[].pbs-server"
    assert PBS.parse_job_id("Welcome\n*** 3 news ***\n13.pbs\n") == "13.pbs"
    assert PBS.parse_job_id("13\n") == "13"
    assert PBS.parse_job_id("Welcome\n") is None


def test_elements_count_where_an_array_is_listed_element_by_element() -> None:
    found = PBS.parse_jobs(CommandOutput(status=0, stdout=ARRAY), ["12[].pbs", "13.pbs"])
    assert found == [
        QueuedJob(job_id="12[].pbs", state=JobState.DONE, elements=frozenset({1})),
        QueuedJob(job_id="12[].pbs", state=JobState.RUNNING, elements=frozenset({2})),
        QueuedJob(job_id="12[].pbs", state=JobState.QUEUED, elements=frozenset({3})),
        QueuedJob(job_id="13.pbs", state=JobState.HELD),
    ]
    alone = ARRAY.partition("Job Id: 12[1]")[0]
    (whole,) = PBS.parse_jobs(CommandOutput(status=0, stdout=alone), ["12[].pbs"]) or []
    assert (whole.state, whole.elements) == (JobState.RUNNING, None)


UNKNOWN = "qstat: Unknown Job Id 99.pbs\n"
FINISHED = "qstat: 12.pbs Job has finished, use -x or -H to obtain historical job information\n"
DOWN = "Connection refused\nqstat: cannot connect to server pbs (errno=111)\n"


@pytest.mark.parametrize(
    ("status", "said", "answered"),
    [
        (153, UNKNOWN, True),
        (35, FINISHED, True),
        (153, UNKNOWN + FINISHED, True),
        (111, DOWN, False),
        (1, UNKNOWN + DOWN, False),
        (127, "qstat: No such file or directory", False),
        (None, "", False),
    ],
)
def test_silence_is_not_forgetting(status: int | None, said: str, answered: bool) -> None:
    found = PBS.parse_jobs(CommandOutput(status=status, stderr=said), ["12.pbs", "99.pbs"])
    assert found == ([] if answered else None)


def test_the_map_of_states_is_total() -> None:
    """Letters of qstat's manual, and C of Torque."""
    assert set(PBS.states) == set("BCEFHMQRSTUWX")
    assert {name for name in PBS.states if not PBS.state(name).in_queue} == set("CFX")
    assert PBS.state("?") is JobState.UNKNOWN


def test_an_element_is_named_between_the_brackets() -> None:
    assert PBS.element_id("12[].pbs", 3) == "12[3].pbs"
    assert PBS.element_id("12[]", 3) == "12[3]"
