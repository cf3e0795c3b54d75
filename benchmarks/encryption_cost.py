"""What the encryption of Dask's messages costs: processor time of driver and workers, paired.

    python benchmarks/encryption_cost.py STRUCTURES.jsonl.gz [--structures 1000] [--pairs 3] [--stub]

Each pair screens the same structures once with and once without TLS, in processes of their own and
in alternating order, from the start of the workers to their end. Processor time is that of driver
and workers together; wall time stands beside it. With ``--stub`` the physics is left out, so that
the difference stands out from the noise of a busy machine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def spent(source: Path, number: int, *, encrypted: bool, stub: bool) -> tuple[float, float]:
    """Processor time, driver and workers, and wall time of one run, s."""
    from campaign_stub import stub as stub_work

    from dualion.screening.screen_options import ScreenOptions
    from dualion.structures.files import iter_raw_entries
    from dualion.structures.records import RawEntry
    from dualion.workflows.campaign.tasks import Job, screen_job
    from dualion.workflows.execution import workers
    from dualion.workflows.execution.executor import run_all
    from dualion.workflows.execution.warm_up import warm_up

    if not encrypted:
        start = workers._started_cluster

        def start_plain(meanwhile, **settings):
            return start(meanwhile, **{**settings, "protocol": "tcp", "security": None})

        workers._started_cluster = start_plain
    found = [e for e in iter_raw_entries([source]) if isinstance(e, RawEntry)]
    entries = list(itertools.islice(found, number))
    options = ScreenOptions()
    jobs = [Job(index=i, entry=e, options=options) for i, e in enumerate(entries)]
    warm_up()
    before, begun = _processor_s(), time.perf_counter()
    with workers.local_client(2) as client:
        assert client.scheduler.address.startswith("tls" if encrypted else "tcp")
        work = stub_work if stub else screen_job
        count = sum(1 for _ in run_all(client, jobs, time_limit_s=300.0, work=work))
    assert count == len(jobs)
    return _processor_s() - before, time.perf_counter() - begun


def _processor_s() -> float:
    """Processor time of this process and of those it started that have ended, s."""
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


def one_run(name: str) -> tuple[float, float]:
    """One run in a process of its own: processor time and wall time, s."""
    words = [sys.executable, *sys.argv, "--one", name]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    processor, wall = json.loads(done.stdout.splitlines()[-1])
    return processor, wall


def describe(what: str, plain: Sequence[float], encrypted: Sequence[float]) -> str:
    """The ratio of encrypted to plain over all pairs: its median and its spread."""
    ratios = [100.0 * (more / less - 1.0) for more, less in zip(encrypted, plain, strict=True)]
    mean = statistics.mean(ratios)
    error = statistics.stdev(ratios) / len(ratios) ** 0.5 if len(ratios) > 1 else float("nan")
    return (
        f"{what}: median {statistics.median(ratios):+.1f} %, mean {mean:+.1f} ± {error:.1f} %, "
        f"from {min(ratios):+.1f} to {max(ratios):+.1f} %"
    )


def main() -> None:
    """Print the times of each run and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--structures", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--stub", action="store_true", help="leave the physics out")
    parser.add_argument("--one", choices=["tls", "plain"], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        encrypted = asked.one == "tls"
        found = spent(asked.source, asked.structures, encrypted=encrypted, stub=asked.stub)
        print(json.dumps(found))
        return
    found = {"plain": [], "tls": []}
    for pair in range(asked.pairs):
        for name in ("tls", "plain") if pair % 2 else ("plain", "tls"):
            found[name].append(one_run(name))
        last = {name: runs[-1] for name, runs in found.items()}
        print(
            *(f"{name} {cpu:.2f} s, wall {wall:.2f} s;" for name, (cpu, wall) in last.items()),
            flush=True,
        )
    print(f"{asked.structures} structures, {asked.pairs} pairs, encrypted over plain")
    for number, what in enumerate(("processor time", "wall time")):
        plain, encrypted = ([run[number] for run in found[name]] for name in ("plain", "tls"))
        print(describe(what, plain, encrypted))


if __name__ == "__main__":
    main()
