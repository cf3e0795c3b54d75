"""MD runs of a campaign whose store is a real PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

import postgres_server
import pytest
from queue_folders import block_of, reconcile_runs

from dualion.workflows.md.cancel import cancel_runs
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.plan.enqueue import enqueue_runs
from dualion.workflows.md.plan.run_plan import plan_runs
from dualion.workflows.md.plan.selection import select_file
from dualion.workflows.md.states import RunState

pytestmark = pytest.mark.postgres


def test_a_campaigns_runs_live_in_its_database(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    with postgres_server.postgres() as url:
        (tmp_path / "campaign.yaml").write_text(
            f"name: shared\nsources:\n  - bundled: true\nmd:\n  cores: 2\nstore: {url}\n"
        )
        folder = MdFolder.open(tmp_path)
        assert (folder.block.cores, folder.name) == (2, "shared")
        plan = plan_runs([select_file("LiI")], block_of(protocol={"replicas": 2}))
        assert (enqueue_runs(folder, plan).added, enqueue_runs(folder, plan).added) == (2, 0)
        assert {one.state for one in reconcile_runs(folder)} == {RunState.PREPARED}
        first = reconcile_runs(folder)[0].run
        assert cancel_runs(folder, [first.key]) == (1, [])
        with folder.reading() as runs:
            states = {run.key: run.state for run in runs.all()}
        assert states[first.key] == "cancelled" and sorted(states.values())[1] == "prepared"
        assert not (tmp_path / "md.db").exists()
