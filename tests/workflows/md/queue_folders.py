"""Folders with queued runs of a small cell, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.plan.config import MdBlock
from dualion.workflows.md.plan.enqueue import EnqueueResult, enqueue_runs
from dualion.workflows.md.plan.run_plan import plan_runs
from dualion.workflows.md.plan.selection import select_file
from dualion.workflows.md.reconcile import RunStatus, reconcile

WELLS = "queue_samples:Wells"


def block_of(engine: str = WELLS, **changes: Any) -> MdBlock:
    """Eight atoms of LiI, 0.4 ps."""
    protocol = {
        "temperatures_k": [300.0],
        "timestep_fs": 2.0,
        "frame_fs": 20.0,
        "equilibration_ps": 0.0,
        "production_ps": 0.4,
        "budget_ps": 0.4,
    } | changes.pop("protocol", {})
    content = {
        "engine": engine,
        "cells": ["perfect"],
        "smallest_width_angstrom": 5.9,
        "checkpoint_s": 0.2,
        "protocol": protocol,
    }
    return MdBlock.model_validate(content | changes)


def folder_of(path: Path, settings: str = "") -> MdFolder:
    """An empty folder, with an ``md.yaml`` if there is something to say."""
    path.mkdir(parents=True, exist_ok=True)
    if settings:
        (path / "md.yaml").write_text(settings)
    return MdFolder.open(path, new=True)


def queued(folder: MdFolder, engine: str = WELLS, **changes: Any) -> EnqueueResult:
    """Queue LiI."""
    return enqueue_runs(folder, plan_runs([select_file("LiI")], block_of(engine, **changes)))


def reconcile_runs(folder: MdFolder) -> list[RunStatus]:
    """How the runs stand, the store brought up to date."""
    with folder.writing() as runs:
        return reconcile(folder, runs)
