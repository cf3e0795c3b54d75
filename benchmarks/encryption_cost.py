"""What the encryption of Dask's messages costs: processor time of driver and workers, paired.

    python benchmarks/encryption_cost.py STRUCTURES.jsonl.gz [--structures 1000] [--pairs 3] [--stub]

Each pair screens the same structures once with and once without TLS, in processes of their own,
from the start of the workers to their end. With ``--stub`` the physics is left out, so that the
difference stands out from the noise of a busy machine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import statistics
import subprocess
import sys
from pathlib import Path


def processor_s(source: Path, number: int, *, encrypted: bool, stub: bool) -> float:
    """Processor time of one run, driver and workers, s."""
    from campaign_stub import stub as stub_work

    from dualion.screening.screen import ScreenOptions
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
    before = resource.getrusage(resource.RUSAGE_SELF)
    with workers.local_client(2) as client:
        assert client.scheduler.address.startswith("tls" if encrypted else "tcp")
        work = stub_work if stub else screen_job
        count = sum(1 for _ in run_all(client, jobs, time_limit_s=300.0, work=work))
    assert count == len(jobs)
    after = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return own + children.ru_utime + children.ru_stime


def main() -> None:
    """Print the processor time of each run and the median difference."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--structures", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--stub", action="store_true", help="leave the physics out")
    parser.add_argument("--one", choices=["tls", "plain"], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        encrypted = asked.one == "tls"
        spent = processor_s(asked.source, asked.structures, encrypted=encrypted, stub=asked.stub)
        print(json.dumps(spent))
        return
    differences, plain = [], []
    for pair in range(asked.pairs):
        order = ("tls", "plain") if pair % 2 else ("plain", "tls")
        spent = {}
        for name in order:
            words = [sys.executable, *sys.argv, "--one", name]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            spent[name] = float(json.loads(done.stdout.splitlines()[-1]))
        print(f"plain {spent['plain']:.2f} s, encrypted {spent['tls']:.2f} s", flush=True)
        differences.append(spent["tls"] - spent["plain"])
        plain.append(spent["plain"])
    more = statistics.median(differences)
    share = 100.0 * more / statistics.median(plain)
    print(f"{asked.structures} structures: {more:+.2f} s of processor time ({share:+.1f} %)")


if __name__ == "__main__":
    main()
