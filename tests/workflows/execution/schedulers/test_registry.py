"""All batch systems keep the contract."""

from __future__ import annotations

import pytest

from dualion.structures.errors import InputError
from dualion.workflows.execution.cluster_config import ClusterBlock
from dualion.workflows.execution.schedulers import (
    ARRAY_SCHEDULERS,
    SCHEDULERS,
    CommandOutput,
    JobRequest,
    JobState,
    find_array_scheduler,
)

REQUEST = JobRequest(
    name="my campaign",
    cores=4,
    gpus=1,
    memory_mb=8000,
    walltime_s=93784,
    queue="fast",
    account="mine",
    directives=("#OWN --line", "--more"),
    log="shard-{index}.log",
    elements=3,
    after="12",
)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_name_is_a_kind_of_cluster_and_the_dask_class_exists(name: str) -> None:
    jobqueue = pytest.importorskip("dask_jobqueue", reason="the extra cluster is not installed")
    assert hasattr(jobqueue, SCHEDULERS[name].dask_class)
    assert ClusterBlock.model_validate({"kind": name, "memory_per_worker": "2GB"}).kind == name


@pytest.mark.parametrize("name", ARRAY_SCHEDULERS)
def test_a_header_has_one_marked_line_for_each_wish(name: str) -> None:
    system = ARRAY_SCHEDULERS[name]
    lines = system.header(REQUEST)
    assert all("\n" not in line for line in lines)
    marked = [line for line in lines if line != "#OWN --line"]
    assert len(marked) == len(lines) - 1 and all(line.startswith(system.mark) for line in marked)
    text = "\n".join(lines)
    for wish in ("my-campaign", "fast", "mine", "26:03:04", "1-3", "--more"):
        assert wish in text
    assert system.dependency("12") in lines
    bare = "\n".join(system.header(JobRequest(name="x", walltime_s=60)))
    for absent in ("fast", "mine", "gpu", "mem", "1-1", "afterany", "hold_jid"):
        assert absent not in bare


@pytest.mark.parametrize("name", ARRAY_SCHEDULERS)
def test_the_map_of_states_has_neutral_states_alone(name: str) -> None:
    states = ARRAY_SCHEDULERS[name].states
    assert states and all(isinstance(state, JobState) for state in states.values())
    needed = {JobState.QUEUED, JobState.HELD, JobState.RUNNING, JobState.SUSPENDED, JobState.DONE}
    assert needed <= set(states.values())


@pytest.mark.parametrize("name", ARRAY_SCHEDULERS)
def test_no_answer_is_no_list(name: str) -> None:
    system = ARRAY_SCHEDULERS[name]
    for output in (CommandOutput(status=None), CommandOutput(status=127, stderr="not found")):
        assert system.parse_jobs(output, ["1"]) is None
        assert not system.has_forgotten(output)
    assert system.parse_job_id("") is None


def test_names_are_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match="did you mean 'slurm'"):
        find_array_scheduler("slrum")
    with pytest.raises(InputError, match="start dualion run with cluster"):
        find_array_scheduler("lsf")


@pytest.mark.parametrize("field", ["queue", "project", "interface"])
def test_a_queue_is_one_word(field: str) -> None:
    assert getattr(ClusterBlock.model_validate({field: "fast\n"}), field) == "fast"
    with pytest.raises(ValueError, match="without spaces or line breaks"):
        ClusterBlock.model_validate({field: "fast\n#SBATCH --wrap=x"})


def test_lsf_is_told_hours_and_minutes() -> None:
    """bsub(1): -W [hour:]minute."""
    assert SCHEDULERS["lsf"].dask_settings(REQUEST)["walltime"] == "26:04"


def test_htcondor_takes_names_and_values() -> None:
    request = JobRequest(name="x", walltime_s=60, directives=("+Group = cs", "rank = Memory"))
    settings = SCHEDULERS["htcondor"].dask_settings(request)
    assert settings["job_extra_directives"] == {"+Group": "cs", "rank": "Memory"}
