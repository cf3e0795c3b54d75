"""The trajectory of a run together with its checkpoint: what has been computed for good."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import NDArray

from dualion.workflows.execution.files import write_bytes
from dualion.workflows.md.engines.base import EngineError, Leg
from dualion.workflows.md.run.trajectory_file import MdFrame, append_frames, cut_to

Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(slots=True, kw_only=True)
class JoinedTrajectory:
    """Frames on the disk, and the state from which the run goes on.

    Attributes:
        leg: the engine's call.
        symbols: chemical symbols, in the order of the frames.
        step: MD step of the checkpoint.
        frames: frames on the disk.
        first_energy_ev: potential energy of the first frame, eV; NaN before it.
        reference: shape (n, 3), Å, where the production began; shape (0, 3) before it.
        state: what the engine kept in its last checkpoint, arrays by name.
    """

    leg: Leg
    symbols: tuple[str, ...]
    step: int = 0
    frames: int = 0
    first_energy_ev: float = np.nan
    reference: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 3)))
    state: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    _since: float = field(default_factory=time.monotonic)

    @classmethod
    def open(cls, leg: Leg) -> JoinedTrajectory:
        """Where the run stands: at its checkpoint, or at the start.

        Raises:
            EngineError: the checkpoint or the trajectory is damaged.
        """
        symbols = tuple(leg.folder.atoms().get_chemical_symbols())
        joined = cls(leg=leg, symbols=symbols)
        if leg.folder.checkpoint.is_file():
            joined._resume()
        else:
            cut_to(leg.folder.trajectory, 0)
        return joined

    def _resume(self) -> None:
        path = self.leg.folder.checkpoint
        try:
            with np.load(path, allow_pickle=False) as content:
                state = {name: content[name] for name in content.files}
            cut_to(self.leg.folder.trajectory, int(state.pop("trajectory_bytes")))
            self.step, self.frames = int(state.pop("step")), int(state.pop("frames"))
            self.first_energy_ev = float(state.pop("first_energy_ev"))
            self.reference = np.array(state.pop("reference"), dtype=np.float64)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise EngineError(
                "damaged_checkpoint",
                f"{path} cannot be used ({error}); queue the run anew, or restore the file.",
            ) from error
        self.state = state

    @property
    def done_ps(self) -> float:
        """Simulated time of the checkpoint, ps."""
        return self.step * self.leg.spec.protocol.timestep_fs / 1000.0

    def commit(self, frames: Sequence[MdFrame], *, step: int, state: Arrays | None = None) -> None:
        """Put frames on the disk, then the checkpoint that counts them, then the progress.

        Raises:
            OSError: the disk refuses; the last checkpoint stays valid.
        """
        size = append_frames(self.leg.folder.trajectory, self.symbols, frames)
        if self.frames == 0 and frames:
            self.first_energy_ev = frames[0].energy_ev
        self.frames += len(frames)
        self.step = step
        self._note_reference(frames)
        numbers = {
            "trajectory_bytes": size,
            "step": step,
            "frames": self.frames,
            "first_energy_ev": self.first_energy_ev,
            "reference": self.reference,
        }
        content = io.BytesIO()
        arrays = {name: np.asarray(value) for name, value in {**numbers, **(state or {})}.items()}
        np.savez(content, allow_pickle=False, **arrays)
        write_bytes(self.leg.folder.checkpoint, content.getvalue())
        now = time.monotonic()
        self.leg.note(
            done_ps=self.done_ps,
            frames=self.frames,
            wall_s=now - self._since,
            msd_angstrom2=self._displacements(frames),
        )
        self._since = now

    def _note_reference(self, frames: Sequence[MdFrame]) -> None:
        """Keep where the production begins."""
        begins_ps = self.leg.spec.protocol.equilibration_ps - 1e-9
        if not len(self.reference):
            after = (frame.positions for frame in frames if frame.time_ps >= begins_ps)
            self.reference = next(after, self.reference)

    def _displacements(self, frames: Sequence[MdFrame]) -> dict[str, float]:
        """Species → mean squared displacement since the production began, Å², for a live view.

        The drift of all mass is removed; the analysis at the end looks closer.
        """
        if not frames or not len(self.reference):
            return {}
        masses = [atomic_masses[atomic_numbers[symbol]] for symbol in self.symbols]
        moved = frames[-1].positions - self.reference
        moved = moved - np.average(moved, axis=0, weights=masses)
        squares = (moved**2).sum(axis=1)
        kinds = np.array(self.symbols)
        return {kind: float(squares[kinds == kind].mean()) for kind in dict.fromkeys(self.symbols)}
