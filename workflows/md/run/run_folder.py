"""The folder of one MD run: its files, each replaced atomically so that a kill loses nothing.

``run.json``              the specification of the run (``RunSpec``)
``start.extxyz``          the starting cell
``trajectory.extxyz.gz``  frames from the first step on, one gzip member a checkpoint
``checkpoint.npz``        state of the engine, and how much of the trajectory belongs to it
``progress.json``         state and progress of the run
``attempt-1/``            the first attempt, where a guard stopped it
``analysis/``             transport of the finished run
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from dualion.structures.errors import InputError
from dualion.workflows.execution.files import write_text
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.states import RunState

if TYPE_CHECKING:
    from ase import Atoms

LARGEST_JSON_BYTES = 5_000_000
ATTEMPT = "attempt-1"
RENAMED_FIELDS = {"pieces": "segments", "began_ps": "segment_start_ps", "killed": "deaths"}
"""Fields of ``progress.json`` that earlier versions wrote → their names now."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """State and progress of a run.

    Attributes:
        state: one of ``RunState``.
        reason: stable name of why it ended or stopped; empty otherwise.
        message: the same as a sentence that says what to do.
        attempt: 1, or 2 after a guard halved the time step.
        timestep_fs: time step of this attempt, fs.
        done_ps: simulated time at the checkpoint, equilibration included, ps.
        target_ps: simulated time of the next assessment, ps.
        most_ps: simulated time at which it ends in any case, ps.
        frames: number of frames in the trajectory.
        segments: number of segments that were started.
        segment_start_ps: ``done_ps`` at the start of the present segment, ps; None once it ended.
        deaths: segments in a row that died before their first checkpoint; see ``count_death``.
        wall_s: computing time of this attempt, s.
        lost_s: computing time of an attempt that a guard stopped, s.
        cores: cores of the present segment.
        gpus: GPUs of the present segment.
        core_hours: cores times hours so far.
        gpu_hours: GPUs times hours so far.
        msd_angstrom2: species → MSD since the start of production, Å².
        n_eff: species → number of effective jumps at the last assessment.
        temperature_k: mean temperature of the production so far, K.
        updated: when this was written, s since the epoch.
        job: number in the batch system's queue, empty without one.
        host: machine of the present segment.
        pid: process of the present segment.
    """

    state: str = RunState.PREPARED.value
    reason: str = ""
    message: str = ""
    attempt: int = 1
    timestep_fs: float = 0.0
    done_ps: float = 0.0
    target_ps: float = 0.0
    most_ps: float = 0.0
    frames: int = 0
    segments: int = 0
    segment_start_ps: float | None = None
    deaths: int = 0
    wall_s: float = 0.0
    lost_s: float = 0.0
    cores: int = 1
    gpus: int = 0
    core_hours: float = 0.0
    gpu_hours: float = 0.0
    msd_angstrom2: dict[str, float] = field(default_factory=dict)
    n_eff: dict[str, float] = field(default_factory=dict)
    temperature_k: float | None = None
    updated: float = 0.0
    job: str = ""
    host: str = ""
    pid: int = 0

    @property
    def ps_per_day(self) -> float:
        """Speed of this attempt, ps per day; 0 before its first checkpoint."""
        return self.done_ps / self.wall_s * 86400.0 if self.wall_s > 0.0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Computing time to the next assessment, s; None before the speed is known."""
        speed = self.ps_per_day / 86400.0
        return max(0.0, self.target_ps - self.done_ps) / speed if speed > 0.0 else None


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths and files of one run."""

    path: Path

    @property
    def trajectory(self) -> Path:
        """The frames."""
        return self.path / "trajectory.extxyz.gz"

    @property
    def checkpoint(self) -> Path:
        """State of the engine."""
        return self.path / "checkpoint.npz"

    @property
    def analysis(self) -> Path:
        """Tables and figures of the finished run."""
        return self.path / "analysis"

    @property
    def start(self) -> Path:
        """The starting cell."""
        return self.path / "start.extxyz"

    def create(self, spec: RunSpec, cell_text: str) -> None:
        """Write the files of a new run; an existing run is left as it is.

        Args:
            spec: the run.
            cell_text: the starting cell, extended XYZ.

        Raises:
            InputError: the folder cannot be written to.
        """
        if (self.path / "progress.json").is_file():
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_text(self.start, cell_text)
            write_text(self.path / "run.json", spec.model_dump_json(indent=2) + "\n")
        except OSError as error:
            raise InputError(f"Cannot write the run into {self.path}: {error.strerror}.") from error
        self.write_progress(Progress(timestep_fs=spec.protocol.timestep_fs))

    def spec(self) -> RunSpec:
        """Read the specification of the run.

        Raises:
            InputError: ``run.json`` is missing or damaged.
        """
        path = self.path / "run.json"
        try:
            return RunSpec.model_validate(_read_json(path))
        except ValidationError as error:
            raise InputError(f"{path} is damaged: {error.errors()[0]['msg']}.") from None

    def atoms(self) -> Atoms:
        """Read the starting cell.

        Raises:
            InputError: it is missing or damaged.
        """
        import ase.io  # half a second that only a segment needs

        try:
            return ase.io.read(self.start, format="extxyz", index=0)
        except Exception as error:
            raise InputError(
                f"{self.start} cannot be read ({error}); queue the run anew."
            ) from error

    def progress(self) -> Progress:
        """Read the progress of the run.

        Raises:
            InputError: ``progress.json`` is missing or damaged.
        """
        content = _read_json(self.path / "progress.json")
        current = {RENAMED_FIELDS.get(key, key): value for key, value in content.items()}
        known = {k: value for k, value in current.items() if k in Progress.__dataclass_fields__}
        return Progress(**known)

    def write_progress(self, progress: Progress) -> None:
        """Write the progress of the run atomically."""
        progress.updated = time.time()
        write_text(self.path / "progress.json", json.dumps(asdict(progress), indent=2) + "\n")

    def archive_attempt(self) -> None:
        """Move the files of a stopped attempt into a folder of their own."""
        archive = self.path / ATTEMPT
        archive.mkdir(exist_ok=True)
        for item in list(self.path.iterdir()):
            if item.name not in ("run.json", "start.extxyz", "progress.json", ATTEMPT, ".lock"):
                os.replace(item, archive / item.name)  # noqa: PTH105
        write_text(archive / "progress.json", (self.path / "progress.json").read_text("utf-8"))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_JSON_BYTES:
            raise InputError(f"{path} is too large to be of an MD run.")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path.parent} holds no MD run ({error.strerror}); plan runs with: dualion md queue"
        ) from error
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}).") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} is damaged.")
    return content
