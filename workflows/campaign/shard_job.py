"""What the jobs of a submission run: ``shard|merge …``.

No terminal is there; a SIGTERM from the batch system finishes what is in flight, saves and ends.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dualion.structures.errors import DualionError
from dualion.workflows.campaign.run import run_campaign
from dualion.workflows.campaign.shards import run_shard
from dualion.workflows.campaign.yaml_reader import load_campaign
from dualion.workflows.execution.output_stream import guard_output
from dualion.workflows.execution.signals import stop_on_signal
from dualion.workflows.execution.submission import Submission


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one job; its exit status: 0 done, 1 something is left, 2 a wrong input."""
    parser = argparse.ArgumentParser(prog="python -m dualion.workflows.campaign.shard_job")
    kinds = parser.add_subparsers(dest="kind", required=True)
    shard = kinds.add_parser("shard", help="compute one shard")
    shard.add_argument("submission", type=Path, help="folder of the submission")
    shard.add_argument("index", type=int, help="number of the shard, from 1")
    shard.add_argument("--workers", type=int, default=1, help="processes")
    merge = kinds.add_parser("merge", help="take over what the shards have, write the tables")
    merge.add_argument("campaign", type=Path, help="campaign.yaml")
    asked = parser.parse_args(arguments)
    try:
        if asked.kind == "shard":
            return _shard(asked.submission, asked.index, asked.workers)
        return _merge(asked.campaign)
    except DualionError as error:
        print(f"dualion: {error}", file=sys.stderr)
        return 2


def _shard(folder: Path, index: int, workers: int) -> int:
    with stop_on_signal() as stop:
        done, left = run_shard(Submission(folder), index, workers=workers, stop=stop)
    print(f"shard {index}: {done} done, {left} left")
    return 1 if left else 0


def _merge(file: Path) -> int:
    result = run_campaign(load_campaign(file), merge_only=True)
    print(f"merged: {result.left} structures left")
    return 1 if result.left else 0


if __name__ == "__main__":
    guard_output()  # a log that cannot be written must not cost the work
    sys.exit(main())
