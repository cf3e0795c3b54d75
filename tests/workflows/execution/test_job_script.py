"""Job scripts are run here by bash, without a batch system."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from dualion.workflows.execution.cluster_config import ClusterBlock, memory_mb
from dualion.workflows.execution.job_script import (
    environment_lines,
    make_request,
    numba_cache_lines,
    render_script,
)
from dualion.workflows.execution.schedulers import ARRAY_SCHEDULERS
from dualion.workflows.execution.threads import KERNEL_THREADS, LIBRARY_THREADS


def cache_of(scratch: str, **environment: str) -> Path:
    """The folder that a job's shell would give numba."""
    script = "\n".join([*numba_cache_lines(scratch), 'printf %s "$NUMBA_CACHE_DIR"'])
    said = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True,
        env=os.environ | environment,
    )  # fmt: skip
    return Path(said.stdout)


def test_the_cache_is_the_users_own_and_jobs_of_a_node_share_it(tmp_path: Path) -> None:
    first = cache_of(str(tmp_path))
    assert first.parent == tmp_path
    assert stat.S_IMODE(first.stat().st_mode) == 0o700 and first.stat().st_uid == os.getuid()
    assert cache_of(str(tmp_path)) == first


def test_a_folder_that_others_made_or_may_write_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / f"dualion-numba-{os.getuid()}").mkdir(mode=0o755)  # the name of earlier releases
    (tmp_path / "dualion-numba-aaaaaaaaaa").mkdir()
    (tmp_path / "dualion-numba-aaaaaaaaaa").chmod(0o777)
    target = tmp_path / "elsewhere"
    target.mkdir(mode=0o700)
    (tmp_path / "dualion-numba-bbbbbbbbbb").symlink_to(target)
    before = set(tmp_path.iterdir())
    if os.geteuid() == 0:
        foreign = tmp_path / "dualion-numba-cccccccccc"
        foreign.mkdir(mode=0o700)
        os.chown(foreign, 65534, 65534)
        before.add(foreign)
    assert cache_of(str(tmp_path)) not in before


def test_the_scratch_folder_may_have_any_name_or_be_a_variable(tmp_path: Path) -> None:
    odd = tmp_path / 'a b#`id`$(id)"q'
    odd.mkdir()
    assert cache_of(str(odd)).parent == odd
    assert cache_of("$JOB_SCRATCH", JOB_SCRATCH=str(odd)).parent == odd
    missing = cache_of(str(tmp_path / "missing"), TMPDIR=str(tmp_path))
    assert missing.is_dir() and missing.parent == tmp_path


@pytest.mark.parametrize("system", ARRAY_SCHEDULERS.values(), ids=ARRAY_SCHEDULERS)
@pytest.mark.parametrize("name", ["plain", "a b#c?d%jé'\"", "line\nbreak", "back\\slash"])
def test_a_script_runs_in_a_folder_of_any_name(tmp_path: Path, name: str, system: object) -> None:
    folder = tmp_path / name
    folder.mkdir()
    request = make_request(
        ClusterBlock(),
        name="n",
        log="shard-{index}.log",
        elements=2,  # type: ignore[call-arg]
    )
    text = render_script(system, request, folder, ["pwd"])  # type: ignore[arg-type]
    marks = [line for line in text.splitlines() if line.startswith(system.mark)]  # type: ignore[attr-defined]
    (folder / "array.sh").write_text(text)
    said = subprocess.run(
        ["bash", "array.sh"], cwd=folder, capture_output=True, text=True, check=True,
        env=os.environ | {system.index_variable: "2"},  # type: ignore[attr-defined]
    ).stdout  # fmt: skip
    if name == "plain":  # the batch system opens the log
        assert said == f"{folder}\n"
        assert not any("/dev/null" in line for line in marks)
    else:
        assert (folder / "shard-2.log").read_text() == f"{folder}\n" and not said
        assert any("/dev/null" in line for line in marks)
        assert not any(name in line for line in marks)


def test_threads_have_one_list() -> None:
    lines = environment_lines(ClusterBlock(), threads=4)  # type: ignore[call-arg]
    for variable in LIBRARY_THREADS:
        assert f"export {variable}=4" in lines
    assert f"export {KERNEL_THREADS}=1" in lines


def test_memory_is_read_as_it_is_written() -> None:
    assert memory_mb("2GB") == 2000
    assert memory_mb("1.5GiB") == 1610  # 1.5 · 2³⁰ B
    assert memory_mb("800 MB") == 800
    assert memory_mb("5kB") == 1
    assert memory_mb("auto") == 0
