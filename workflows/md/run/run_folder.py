"""The folder of one MD run: what is in it, and how it is written so that a kill loses nothing.

``run.json``              what the run is (``RunSpec``)
``start.extxyz``          the starting cell
``trajectory.extxyz.gz``  kept frames from the first step on, one gzip member a checkpoint
``checkpoint.npz``        where to go on, and how much of the trajectory belongs to it
``progress.json``         how the run stands
``attempt-1/``            a first attempt that a guard stopped
``analysis/``             transport, once the run has ended
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualion.structures.errors import InputError
from dualion.workflows.execution.files import write_text
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.states import RunState

if TYPE_CHECKING:
    from ase import Atoms

LARGEST_JSON_BYTES = 5_000_000
ATTEMPT = "attempt-1"


@dataclass(slots=True, kw_only=True)
class Progress:
    """How a run stands.

    Attributes:
        state: one of ``RunState``.
        reason: stable name of why it ended or stopped; empty while all is well.
        message: the same as a sentence that says what to do.
        attempt: 1, or 2 after a guard halved the time step.
        timestep_fs: time step of this attempt, fs.
        done_ps: simulated time at the checkpoint, equilibration included, ps.
        target_ps: time at which the run is looked at next, ps.
        most_ps: time at which it ends in any case, ps.
        frames: frames in the trajectory.
        pieces: pieces that have been begun.
        began_ps: ``done_ps`` when the present piece began, ps; None once it has ended by itself.
        killed: pieces in a row that were killed before their first checkpoint.
        wall_s: computing time of all pieces, s.
        lost_s: computing time that a kill or a guard has cost, s.
        cores: cores of the present piece.
        gpus: GPUs of the present piece.
        core_hours: cores times hours so far.
        gpu_hours: GPUs times hours so far.
        msd_angstrom2: species → MSD from the start of the production, Å².
        n_eff: species → effective jumps when it was last looked at.
        temperature_k: mean temperature of the production so far, K.
        updated: when this was written, s since the epoch.
        job: number in the batch system's queue, empty without one.
        host: machine of the present piece.
        pid: process of the present piece.
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
    pieces: int = 0
    began_ps: float | None = None
    killed: int = 0
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
        """Speed over all pieces, ps a day; 0 before anything is done."""
        return self.done_ps / self.wall_s * 86400.0 if self.wall_s > 0.0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Computing time to the next look, s; None before the speed is known."""
        speed = self.ps_per_day / 86400.0
        return max(0.0, self.target_ps - self.done_ps) / speed if speed > 0.0 else None


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths and files of one run."""

    path: Path

    @property
    def trajectory(self) -> Path:
        """All kept frames."""
        return self.path / "trajectory.extxyz.gz"

    @property
    def checkpoint(self) -> Path:
        """Where to go on."""
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
        """Write what the run needs; an existing run of the same content is left as it is.

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
        """What the run is.

        Raises:
            InputError: ``run.json`` is missing or damaged.
        """
        from pydantic import ValidationError

        path = self.path / "run.json"
        try:
            return RunSpec.model_validate(_read_json(path))
        except ValidationError as error:
            raise InputError(f"{path} is damaged: {error.errors()[0]['msg']}.") from None

    def atoms(self) -> Atoms:
        """The starting cell.

        Raises:
            InputError: it is missing or damaged.
        """
        import ase.io

        try:
            return ase.io.read(self.start, format="extxyz", index=0)
        except Exception as error:
            raise InputError(
                f"{self.start} cannot be read ({error}); queue the run anew."
            ) from error

    def progress(self) -> Progress:
        """How the run stands.

        Raises:
            InputError: ``progress.json`` is missing or damaged.
        """
        content = _read_json(self.path / "progress.json")
        known = {
            key: value for key, value in content.items() if key in Progress.__dataclass_fields__
        }
        return Progress(**known)

    def write_progress(self, progress: Progress) -> None:
        """Write how the run stands, atomically."""
        progress.updated = time.time()
        write_text(self.path / "progress.json", json.dumps(asdict(progress), indent=2) + "\n")

    def set_aside(self) -> None:
        """Keep what a stopped attempt has left, and clear the way for the next one."""
        aside = self.path / ATTEMPT
        aside.mkdir(exist_ok=True)
        for item in list(self.path.iterdir()):
            if item.name not in ("run.json", "start.extxyz", "progress.json", ATTEMPT, ".lock"):
                os.replace(item, aside / item.name)  # noqa: PTH105
        write_text(aside / "progress.json", (self.path / "progress.json").read_text("utf-8"))


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
