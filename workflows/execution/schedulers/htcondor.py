"""HTCondor, for Dask's workers."""

from __future__ import annotations

from typing import Any, ClassVar

from dualion.workflows.execution.schedulers.base import JobRequest, Scheduler

DISK = "1GB"
"""Disk of a job; HTCondor needs to be told."""


class HTCondor(Scheduler):
    """HTCondor, which has neither queues nor walltimes."""

    name: ClassVar[str] = "htcondor"
    dask_class: ClassVar[str] = "HTCondorCluster"
    mark: ClassVar[str] = ""

    def dask_settings(self, request: JobRequest) -> dict[str, Any]:
        """Arguments of dask-jobqueue's ``HTCondorCluster``."""
        lines = [line.partition("=") for line in self.bare_directives(request)]
        directives = {key.strip(): value.strip() for key, _, value in lines}
        return {"disk": DISK, "job_extra_directives": directives}
