"""OAR, for Dask's workers."""

from __future__ import annotations

from typing import Any, ClassVar

from dualion.workflows.execution.schedulers.base import JobRequest, Scheduler


class OAR(Scheduler):
    """OAR. Its name of the memory per core differs between sites: it belongs to directives."""

    name: ClassVar[str] = "oar"
    dask_class: ClassVar[str] = "OARCluster"
    mark: ClassVar[str] = "#OAR"

    def dask_settings(self, request: JobRequest) -> dict[str, Any]:
        """Arguments of dask-jobqueue's ``OARCluster``."""
        settings = super().dask_settings(request)
        settings["memory_per_core_property_name"] = "not_applicable"
        return settings | ({"project": request.account} if request.account else {})
