"""A process of its own for structures that may kill it.

A structure whose worker died, ran out of memory or out of time is run again here, alone: a child
process takes one job after the other, and when it dies the exit status tells why. The worker
that waits for it lives on, so a worker that is lost meanwhile was lost for another reason.
"""

from __future__ import annotations

import functools
import os
import pickle
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Literal

from dualion.workflows.campaign.tasks import (
    TRACEBACK_CHARACTERS,
    Job,
    Outcome,
    Work,
    failed_outcome,
    report_stages,
)
from dualion.workflows.execution.warm_up import make_ready

START_GRACE_S = 60.0
"""How much longer than the time limit a child may take, to start and to load its packages."""

OUTSIDE_KILLS = 3
"""How often a child may be killed from outside before its structure is given up."""

FULL_FROM = 0.7
"""A killed process that held this share of its memory was killed for it."""

DEFAULT_STAGE = "screen"
"""Stage of a job whose work reports none."""

STAGE_BYTES = 16
"""Room for the name of a stage in the file that a child shares with its parent."""

_LENGTH = struct.Struct("<Q")


def run_isolated(
    jobs: Sequence[Job],
    *,
    work: Work,
    time_limit_s: float,
    memory_bytes: int | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> list[Outcome]:
    """Run jobs one at a time in a child process, a new one after each death.

    Args:
        jobs: what to run.
        work: the function that runs one job.
        time_limit_s: longest time for one job, s.
        memory_bytes: most memory that the child may ask for, bytes; None for no bound.
        stopped: asked before each job; once it is true no more is begun.

    Returns:
        An outcome for each job, in the same order, as far as it was not stopped; a job that kills
        its process is ``failed``.
    """
    setup = _Setup(work=work, time_limit_s=time_limit_s, memory_bytes=memory_bytes)
    outcomes: list[Outcome] = []
    child: _Child | None = None
    try:
        for job in jobs:
            if stopped():
                break
            for attempt in range(1, OUTSIDE_KILLS + 1):
                child = child or _Child(setup)
                answer = child.run(job)
                if isinstance(answer, _Death):
                    child = None
                    if answer.outside and attempt < OUTSIDE_KILLS:
                        continue
                outcomes.append(_outcome(job, answer, setup))
                break
    finally:
        if child:
            child.close()
    return outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setup:
    work: Work
    time_limit_s: float
    memory_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Death:
    """How a child ended: ``kind`` is the reason for the table, ``outside`` absolves the job."""

    kind: Literal["time_limit", "out_of_memory", "crashed"]
    how: str
    stage: str
    trace: str = ""
    outside: bool = False


def _outcome(job: Job, answer: Outcome | _Death, setup: _Setup) -> Outcome:
    if isinstance(answer, Outcome):
        return answer
    advice = {
        "time_limit": f"It took longer than {setup.time_limit_s:g} s. Raise the time limit.",
        "out_of_memory": "It needs more memory. Use fewer workers, or a larger memory limit.",
        "crashed": "Check the structure, and report this if it looks sound.",
    }[answer.kind]
    return failed_outcome(
        job,
        reason=answer.kind,
        message=f"{answer.how}, also when run alone. {advice}",
        stage=answer.stage,
        trace=answer.trace,
    )


class _Child:
    """A running child process."""

    def __init__(self, setup: _Setup) -> None:
        import cloudpickle

        self._setup = setup
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._stage = tempfile.TemporaryFile()  # noqa: SIM115
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "dualion.workflows.execution.isolation"),
                str(self._stage.fileno()),
            ],
            pass_fds=[self._stage.fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
        )
        assert self._process.stdin and self._process.stdout
        self._to, self._from = self._process.stdin, self._process.stdout
        with suppress(OSError):  # a child that is dead already is met at the first job
            packed = cloudpickle.dumps(setup.work)
            write_frame(self._to, (packed, setup.time_limit_s, setup.memory_bytes))

    def run(self, job: Job) -> Outcome | _Death:
        """The job's outcome, or how it killed the child."""
        start = time.monotonic()
        write_stage(self._stage.fileno(), DEFAULT_STAGE)
        limit_s = self._setup.time_limit_s + START_GRACE_S
        killer = threading.Timer(limit_s, self._process.kill)
        killer.daemon = True
        killer.start()
        try:
            write_frame(self._to, job)
            answer = read_frame(self._from)
        except (OSError, EOFError):
            return self._death(time.monotonic() - start, limit_s)
        finally:
            killer.cancel()
        if isinstance(answer, Outcome):
            return answer
        stage = self._last_stage()
        self.close()
        return _Death(
            kind="out_of_memory", how="It ran out of memory", stage=stage, trace=str(answer)
        )

    def _death(self, waited_s: float, limit_s: float) -> _Death:
        _, status, usage = os.wait4(self._process.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self._process.returncode = code
        trace, stage = self._last_words(), self._last_stage()
        self.close()
        death = functools.partial(_Death, stage=stage, trace=trace)
        if waited_s >= limit_s or (code == 1 and "Timeout (" in trace):
            return death(kind="time_limit", how="It outlasted the time limit")
        if code in (-signal.SIGKILL, -signal.SIGTERM):
            bound = self._setup.memory_bytes or _machine_bytes()
            full = usage.ru_maxrss * 1024 > FULL_FROM * bound
            kind: Literal["out_of_memory", "crashed"] = "out_of_memory" if full else "crashed"
            how = f"Its process was killed ({signal.Signals(-code).name})"
            return death(kind=kind, how=how, outside=not full)
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return death(kind="crashed", how=f"Its process died ({how})")

    def _last_stage(self) -> str:
        return os.pread(self._stage.fileno(), STAGE_BYTES, 0).decode("ascii", "replace").strip()

    def _last_words(self) -> str:
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - TRACEBACK_CHARACTERS))
        return _without_addresses(self._errors.read().decode("utf-8", "replace"))

    def close(self) -> None:
        """End the child, however it fares."""
        for pipe in (self._to, self._from, self._errors, self._stage):
            with suppress(OSError, ValueError):
                pipe.close()
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()


def write_stage(descriptor: int, stage: str) -> None:
    """Note in a shared file how far the job at work has come; it outlasts this process.

    Args:
        descriptor: of the file, open for writing.
        stage: ASCII, cut at ``STAGE_BYTES``.
    """
    os.pwrite(descriptor, stage.ljust(STAGE_BYTES).encode("ascii")[:STAGE_BYTES], 0)


def _without_addresses(trace: str) -> str:
    """The traceback without thread addresses, so that equal faults read equally."""
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", trace)


def _machine_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def write_frame(stream: IO[bytes], content: object) -> None:
    """Send one object to the process at the other end.

    Args:
        stream: the pipe to it.
        content: what ``pickle`` can pack.
    """
    packed = pickle.dumps(content)
    stream.write(_LENGTH.pack(len(packed)))
    stream.write(packed)
    stream.flush()


def read_frame(stream: IO[bytes]) -> Any:
    """The next object from the process at the other end.

    The stream joins a process and the child that it started; nothing else can write to it.

    Raises:
        EOFError: the other end is closed.
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    if len(body) < length:
        raise EOFError
    return pickle.loads(body)


def limit_memory(most_bytes: int | None) -> None:
    """Let this process fail with MemoryError beyond a bound, where the system can do that."""
    if not most_bytes:
        return
    try:
        import resource
    except ImportError:  # no such thing on Windows
        return
    with suppress(ValueError, OSError):  # a lower bound is set already
        resource.setrlimit(resource.RLIMIT_DATA, (most_bytes, resource.RLIM_INFINITY))


def watched(work: Work, job: Job, time_limit_s: float, sink: IO[Any]) -> Outcome:
    """Run a job; if it outlasts the limit the process ends, even inside compiled code.

    Args:
        work: the function that runs one job.
        job: what to run.
        time_limit_s: longest time for it, s.
        sink: file with a descriptor, for the traceback of a job that outlasts the limit.
    """
    import faulthandler

    faulthandler.dump_traceback_later(time_limit_s, exit=True, file=sink)
    try:
        return work(job)
    finally:
        faulthandler.cancel_dump_traceback_later()


def main() -> None:
    """The child: jobs in, outcomes out, until the parent closes the pipe."""
    import faulthandler
    import traceback

    report_stages(functools.partial(write_stage, int(sys.argv[1])))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    incoming = sys.stdin.buffer
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not mix in
    try:
        packed, time_limit_s, memory_bytes = read_frame(incoming)
        work = pickle.loads(packed)
        make_ready(work)
        limit_memory(memory_bytes)
        while True:
            job = read_frame(incoming)
            try:
                answer: object = watched(work, job, time_limit_s, sys.stderr)
            except MemoryError:
                answer = traceback.format_exc()[-TRACEBACK_CHARACTERS:]
            write_frame(outgoing, answer)
    except (EOFError, BrokenPipeError):
        os._exit(0)


if __name__ == "__main__":
    main()
