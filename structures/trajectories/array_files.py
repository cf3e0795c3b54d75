"""Trajectories that come as arrays in a file: ``.npz``, and displacements as JSON.

``.npz``: ``positions`` of shape (frames, n, 3), Å; ``cells`` of shape (3, 3) or (frames, 3, 3), Å;
``species`` of length n; optionally ``frame_step_ps`` and ``temperature_k``. JSON: what pymatgen's
``DiffusionAnalyzer.as_dict`` writes: the first structure, displacements from it of shape
(n, frames, 3), Å, the MD step in fs and the steps between frames.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualion.structures.trajectories.text import MAX_ATOMS, as_doubles, open_binary
from dualion.structures.trajectories.types import Frame, FrameStream, UnreadableTrajectoryError

LARGEST_BYTES = 8 << 30
"""Largest unpacked ``.npz``."""

LARGEST_JSON_BYTES = 1 << 30
"""Largest unpacked JSON; it takes ten times as much memory while it is parsed."""

Array = NDArray[np.float64]


def read_npz(path: Path) -> FrameStream:
    """Open an ``.npz`` of positions, cells and species.

    Raises:
        UnreadableTrajectoryError: it is no such file, too large, or its arrays do not fit.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST_BYTES:
                raise UnreadableTrajectoryError(f"{path.name} unpacks to over 8 GiB.")
        with np.load(path, allow_pickle=False) as content:
            wanted = ("positions", "cells", "species", "frame_step_ps", "temperature_k")
            found = {key: np.asarray(content[key]) for key in wanted if key in content}
    except (ValueError, OSError, EOFError, KeyError, zlib.error, MemoryError) as error:
        raise _unreadable(path, error) from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, SyntaxError) as error:
        raise _unreadable(path, error) from error
    missing = [key for key in wanted[:3] if key not in found]
    if missing:
        raise UnreadableTrajectoryError(
            f"{path.name} holds no {' and no '.join(missing)}; an .npz needs positions, cells and "
            "species.",
            reason="bad_arrays",
        )
    species = found["species"]
    if species.ndim != 1 or species.dtype.kind not in "US":
        raise UnreadableTrajectoryError(
            f"{path.name}: species are no list of symbols.", reason="bad_arrays"
        )
    symbols = tuple(
        s.decode("ascii", errors="replace") if isinstance(s, bytes) else str(s)
        for s in species.tolist()
    )
    positions, cells = (_floats(found[key], f"{path.name}: {key}") for key in wanted[:2])
    return stream_of_arrays(
        "npz",
        positions,
        cells,
        symbols,
        name=path.name,
        frame_step_ps=_scalar(found.get("frame_step_ps")),
        temperature_k=_scalar(found.get("temperature_k")),
    )


def _unreadable(path: Path, error: Exception) -> UnreadableTrajectoryError:
    text = " ".join(str(error).split())[:120]
    return UnreadableTrajectoryError(
        f"{path.name} cannot be read ({text or type(error).__name__}).", reason="bad_header"
    )


def _floats(values: NDArray[Any], what: str) -> NDArray[Any]:
    if values.dtype.kind not in "fiu":
        raise UnreadableTrajectoryError(f"{what} are no numbers.", reason="bad_arrays")
    return values


def _scalar(value: NDArray[Any] | None) -> float:
    if value is None or value.size != 1 or value.dtype.kind not in "fiu":
        return np.nan
    return float(value.reshape(()))


def read_displacements(path: Path) -> FrameStream:
    """Open displacements as pymatgen's ``DiffusionAnalyzer.as_dict`` writes them in JSON.

    Raises:
        UnreadableTrajectoryError: it is no such file, too large, or its parts do not fit.
    """
    try:
        with open_binary(path) as file:
            text = file.read(LARGEST_JSON_BYTES + 1)
        if len(text) > LARGEST_JSON_BYTES:
            raise UnreadableTrajectoryError(f"{path.name} unpacks to over 1 GiB.")
        content = json.loads(text)
        displacements = np.array(content["displacements"], dtype=np.float64)
        sites = content["structure"]["sites"]
        cell = np.array(content["structure"]["lattice"]["matrix"], dtype=np.float64)
        start = np.array([site["xyz"] for site in sites], dtype=np.float64)
        symbols = tuple(str(_only(site["species"])["element"]) for site in sites)
        step_ps = float(content["time_step"]) * float(content["step_skip"]) * 1e-3
        temperature_k = float(content.get("temperature", np.nan))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _unreadable(path, error) from error
    except (EOFError, OSError, zlib.error, RecursionError, MemoryError) as error:
        raise _unreadable(path, error) from error
    if displacements.ndim != 3 or displacements.shape[0] != len(symbols):
        raise UnreadableTrajectoryError(
            f"{path.name}: displacements of shape {displacements.shape} for {len(symbols)} sites; "
            "give (sites, frames, 3).",
            reason="bad_arrays",
        )
    positions = start + displacements.transpose(1, 0, 2)
    return stream_of_arrays(
        "displacements",
        positions,
        cell,
        symbols,
        name=path.name,
        frame_step_ps=step_ps if np.isfinite(step_ps) and step_ps > 0.0 else np.nan,
        temperature_k=temperature_k if 0.0 < temperature_k < np.inf else np.nan,
        unwrapped=True,
    )


def _only(species: Any) -> Mapping[str, Any]:
    """The one element of an ordered site."""
    (one,) = species
    return dict(one)


def stream_of_arrays(
    kind: str,
    positions: NDArray[Any],
    cells: NDArray[Any],
    symbols: tuple[str, ...],
    *,
    name: str,
    frame_step_ps: float = np.nan,
    temperature_k: float = np.nan,
    fractional: bool = False,
    unwrapped: bool = False,
    energies_ev: NDArray[Any] | None = None,
    temperatures_k: NDArray[Any] | None = None,
) -> FrameStream:
    """Frames of arrays.

    Args:
        kind: name of the format.
        positions: shape (frames, n, 3), Å, or fractional.
        cells: shape (3, 3) or (frames, 3, 3), Å; rows are the lattice vectors.
        symbols: chemical symbol of each atom, length n.
        name: of the file or simulation, for messages.
        frame_step_ps: time between two frames, ps, or NaN.
        temperature_k: K, or NaN.
        fractional: whether positions are multiples of the lattice vectors.
        unwrapped: whether positions were never folded back into the cell.
        energies_ev: shape (frames,), eV.
        temperatures_k: shape (frames,), instantaneous, K.

    Raises:
        UnreadableTrajectoryError: the shapes do not fit.
    """
    frames, atoms = positions.shape[:2] if positions.ndim == 3 else (0, 0)
    if positions.shape != (frames, len(symbols), 3) or not 0 < atoms <= MAX_ATOMS:
        raise UnreadableTrajectoryError(
            f"{name}: positions of shape {positions.shape} for {len(symbols)} symbols; give "
            "(frames, atoms, 3).",
            reason="bad_arrays",
        )
    if cells.shape not in ((3, 3), (1, 3, 3), (frames, 3, 3)):
        raise UnreadableTrajectoryError(
            f"{name}: cells of shape {cells.shape}; give one of (3, 3) in Å, or one for each of "
            f"the {frames} frames.",
            reason="bad_arrays",
        )
    for series in (energies_ev, temperatures_k):
        if series is not None and series.shape != (frames,):
            raise UnreadableTrajectoryError(
                f"{name}: a series of shape {series.shape} for {frames} frames.",
                reason="bad_arrays",
            )
    return FrameStream(
        format=kind,
        symbols=symbols,
        frames=_array_frames(positions, cells, fractional, energies_ev, temperatures_k),
        frame_step_ps=frame_step_ps,
        temperature_k=temperature_k,
        unwrapped=unwrapped,
    )


def _array_frames(
    positions: NDArray[Any],
    cells: NDArray[Any],
    fractional: bool,
    energies_ev: NDArray[Any] | None,
    temperatures_k: NDArray[Any] | None,
) -> Iterator[Frame]:
    one = as_doubles(cells.reshape(-1, 3, 3)[0])
    varying = cells.ndim == 3 and len(cells) > 1
    for number, frame in enumerate(positions):
        yield Frame(
            positions=as_doubles(frame),
            cell=as_doubles(cells[number]) if varying else one,
            fractional=fractional,
            energy_ev=np.nan if energies_ev is None else float(energies_ev[number]),
            temperature_k=np.nan if temperatures_k is None else float(temperatures_k[number]),
        )
