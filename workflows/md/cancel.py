"""``dualion md cancel``: runs out of the queue, running ones to a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

from dualion.structures.errors import InputError
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.reconcile import reconcile
from dualion.workflows.md.run.local import matches_ids
from dualion.workflows.md.run.supervisor import CANCEL, cancel_run, is_held
from dualion.workflows.md.states import FINAL, RunState
from dualion.workflows.md.submission import cancel_jobs


def cancel_runs(folder: MdFolder, ids: Sequence[str] = ()) -> tuple[int, list[str]]:
    """Cancel runs that have not ended; what they computed is kept.

    Args:
        folder: the folder.
        ids: names of structures or keys of runs; none for all.

    Returns:
        How many runs, and the jobs that the queue was told to end.

    Raises:
        InputError: nothing of that name is queued.
    """
    with folder.reading():
        pass
    with folder.writing() as runs:
        seen = [one for one in reconcile(folder, runs) if matches_ids(one.run, ids)]
        if ids and not seen:
            raise InputError(f"No run of {', '.join(ids)} is queued.")
        going = [one for one in seen if one.state not in FINAL]
        for one in going:
            files = folder.run_folder(one.run.place)
            if files.path.is_dir():
                (files.path / CANCEL).touch()
        told = cancel_jobs(folder, {one.run.key for one in going})
        for one in going:
            files = folder.run_folder(one.run.place)
            if files.path.is_dir() and not is_held(files) and one.state is not RunState.RUNNING:
                cancel_run(files)
            runs.move(
                one.run.key,
                RunState.CANCELLED.value,
                reason="cancelled",
                message="Cancelled; go on with: dualion md queue",
            )
    return len(going), told
