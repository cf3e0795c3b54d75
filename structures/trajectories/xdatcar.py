"""VASP XDATCAR, with one header or one header a frame (NPT).

Format: https://www.vasp.at/wiki/index.php/XDATCAR. The file holds no time step; an INCAR in
the same folder gives it (POTIM in fs times NBLOCK), with the thermostat's TEBEG.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dualion.structures.trajectories.text import atom_count, lines, numbers, take
from dualion.structures.trajectories.types import (
    Frame,
    FrameStream,
    TruncatedFileError,
    UnreadableTrajectoryError,
)

INCAR_BYTES = 100_000


def read_xdatcar(path: Path) -> FrameStream:
    """Open an XDATCAR.

    Args:
        path: the file, ``.gz`` or not.

    Returns:
        The stream; positions are fractional as written.

    Raises:
        UnreadableTrajectoryError: the head is not that of an XDATCAR.
    """
    source = lines(path)
    try:
        cell, symbols = _header(take(source, 7), path.name)
    except TruncatedFileError as error:
        raise UnreadableTrajectoryError(f"{path.name} ends within its header.") from error
    frame_step_ps, temperature_k = _from_incar(path.parent / "INCAR")
    found = np.isfinite(frame_step_ps)
    return FrameStream(
        format="xdatcar",
        symbols=symbols,
        frames=_frames(source, cell, symbols, path.name),
        frame_step_ps=frame_step_ps,
        temperature_k=temperature_k,
        flags=("time_step_from_incar",) if found else (),
    )


def _header(head: list[str], name: str) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return the cell in Å and one symbol per atom from the seven head lines."""
    try:
        scale = float(head[1].split()[0])
        cell = numbers(head[2:5], 3, f"{name}: lattice")
        kinds, counts = head[5].split(), [atom_count(c, name) for c in head[6].split()]
    except (ValueError, IndexError) as error:
        raise UnreadableTrajectoryError(
            f"{name} does not begin like an XDATCAR ({error}).", reason="bad_header"
        ) from error
    if len(kinds) != len(counts) or not kinds or not all(k[0].isalpha() for k in kinds):
        raise UnreadableTrajectoryError(
            f"{name}: {kinds} and {counts} are not symbols and counts of an XDATCAR.",
            reason="bad_header",
        )
    # A negative scale is the volume in Å³ (VASP's POSCAR convention).
    factor = scale if scale > 0 else (-scale / abs(np.linalg.det(cell))) ** (1 / 3)
    # POTCAR labels such as Li_sv or Fe_pv/hash name the element first.
    clean = [re.split(r"[_/]", kind)[0] for kind in kinds]
    atom_count(str(sum(counts)), name)
    return cell * factor, tuple(
        chain.from_iterable([k] * c for k, c in zip(clean, counts, strict=True))
    )


def _frames(
    source: Iterator[str], cell: NDArray[np.float64], symbols: tuple[str, ...], name: str
) -> Iterator[Frame]:
    for line in source:
        if not line.strip():
            continue
        kind = line.strip()[:1].lower()
        marker = line.lower().partition("configuration")
        if not marker[1]:
            cell, again = _header([line, *take(source, 6)], name)
            if again != symbols:
                raise UnreadableTrajectoryError(
                    f"{name} changes its atoms between two headers; split the file there.",
                    reason="atoms_change",
                )
            continue
        block = take(source, len(symbols))
        step = re.search(r"(\d+)", marker[2])
        yield Frame(
            positions=numbers(block, 3, f"{name}, {line.strip()}"),
            cell=cell,
            fractional=kind == "d",
            step=int(step.group(1)) if step else -1,
        )


def _from_incar(path: Path) -> tuple[float, float]:
    """Return the time between frames, ps, and the temperature, K; NaN where unknown."""
    if not path.is_file():
        return np.nan, np.nan
    with path.open("r", encoding="utf-8", errors="replace") as file:
        text = re.sub(r"[#!].*", "", file.read(INCAR_BYTES))
    found = {
        key.upper(): float(value)
        for key, value in re.findall(
            r"\b(POTIM|NBLOCK|TEBEG)\s*=\s*([0-9.]+(?:[eE][+-]?\d+)?)", text, re.IGNORECASE
        )
    }
    step_fs = found.get("POTIM", np.nan) * found.get("NBLOCK", 1.0)
    return step_fs * 1e-3, found.get("TEBEG", np.nan)
