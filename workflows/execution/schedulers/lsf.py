"""LSF, for Dask's workers."""

from __future__ import annotations

from typing import Any, ClassVar

from dualion.workflows.execution.schedulers.base import JobRequest, Scheduler


class LSF(Scheduler):
    """IBM Spectrum LSF."""

    name: ClassVar[str] = "lsf"
    dask_class: ClassVar[str] = "LSFCluster"
    mark: ClassVar[str] = "#BSUB"

    def dask_settings(self, request: JobRequest) -> dict[str, Any]:
        """Arguments of dask-jobqueue's ``LSFCluster``; bsub takes hours and minutes alone."""
        minutes = -(-request.walltime_s // 60)
        settings = super().dask_settings(request)
        settings["walltime"] = f"{minutes // 60:02d}:{minutes % 60:02d}"
        return settings | ({"project": request.account} if request.account else {})
