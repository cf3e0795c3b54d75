"""``dualion md cancel``: runs out of the queue, running ones to a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

from structures.errors import InputError
from workflows.md.batch import cancel_jobs
from workflows.md.follow import reconcile
from workflows.md.local import wanted
from workflows.md.md_folder import MdFolder
from workflows.md.one_piece import CANCEL, cancel_run, is_held
from workflows.md.states import FINAL, RunState


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
        seen = [one for one in reconcile(folder, runs) if wanted(one.run, ids)]
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
