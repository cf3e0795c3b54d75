"""What made a trajectory: said by the user, by the MD run it belongs to, or by its format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dualion.results.transport.identity import RunOrigin, identify_run
from dualion.structures.errors import InputError
from dualion.workflows.md.plan.origin import origin_of
from dualion.workflows.md.run.run_folder import RunFolder

if TYPE_CHECKING:
    from dualion.screening.transport.report import TransportReport


def origin_of_file(
    report: TransportReport, path: Path, *, potential: str = "", defects: str = ""
) -> RunOrigin:
    """Tell what made a trajectory.

    Args:
        report: its analysis.
        path: the file; one of a run of ``dualion md`` has its specification beside it.
        potential: what gave the forces, as the user says.
        defects: defects of the cell, as the user says.
    """
    found = _origin_of_run(path) or identify_run(report).origin
    return replace(found, potential=potential or found.potential, defects=defects or found.defects)


def _origin_of_run(path: Path) -> RunOrigin | None:
    folder = RunFolder(path.parent)
    if folder.trajectory.name != path.name:
        return None
    try:
        return origin_of(folder.spec())
    except InputError:  # a file of this name that is of no run, or of an older one
        return None
