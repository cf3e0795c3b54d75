"""VASP XDATCAR, with one header or one header a frame (NPT).

Format: https://www.vasp.at/wiki/index.php/XDATCAR. The file holds no time step; an INCAR in
the same folder gives it, with the thermostat's temperature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dualion.structures.trajectories.text import (
    atom_count,
    lines,
    numbers,
    split_glued,
    step_number,
    take,
)
from dualion.structures.trajectories.types import (
    TEMPERATURE_RAMP,
    Frame,
    FrameStream,
    TruncatedFileError,
    UnreadableTrajectoryError,
)
from dualion.structures.trajectories.vasp.input_files import read_incar, temperature, xdatcar_step

GLUED_REPAIRED = "glued_numbers_repaired"
"""Flag of a file in which numbers stood without a blank between them."""


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
    notes: list[str] = []
    try:
        cell, symbols = _header(take(source, 7), path.name, notes)
    except TruncatedFileError as error:
        raise UnreadableTrajectoryError(f"{path.name} ends within its header.") from error
    tags = read_incar(path.parent / "INCAR")
    step = xdatcar_step(tags)
    temperature_k, ramp = temperature(tags)
    flags = ["time_step_from_incar"] if np.isfinite(step.ps) else []
    return FrameStream(
        format="xdatcar",
        symbols=symbols,
        frames=_frames(source, cell, symbols, path.name, notes),
        frame_step_ps=step.ps,
        temperature_k=temperature_k,
        steps_persist=False,  # every run of VASP counts its configurations from one
        step_question=step.question,
        flags=(*flags, *((TEMPERATURE_RAMP,) if ramp else ())),
        notes=notes,
    )


def _rows(text: list[str], what: str, notes: list[str]) -> NDArray[np.float64]:
    """Rows of three numbers, shape (rows, 3), repaired where two of them are glued."""
    try:
        return numbers(text, 3, what)
    except (UnreadableTrajectoryError, TruncatedFileError):
        whole = text if text[-1].endswith("\n") else text[:-1]
        mended = split_glued(whole, 3) if whole else None
        if mended is None or mended == whole:
            raise
    if len(whole) < len(text):
        raise TruncatedFileError("the file ends inside a line")
    notes.append(GLUED_REPAIRED)
    return numbers(mended, 3, what)


def _header(
    head: list[str], name: str, notes: list[str]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return the cell in Å and one symbol per atom from the seven head lines."""
    try:
        scale = float(head[1].split()[0])
        cell = _rows(head[2:5], f"{name}: lattice", notes)
        kinds, counts = head[5].split(), [atom_count(c, name) for c in head[6].split()]
    except (ValueError, IndexError) as error:
        raise UnreadableTrajectoryError(
            f"{name} does not begin like an XDATCAR ({str(error)[:80]}).", reason="bad_header"
        ) from error
    if len(kinds) != len(counts) or not kinds or not all(k[0].isalpha() for k in kinds):
        raise UnreadableTrajectoryError(
            f"{name}: {kinds[:8]} and {counts[:8]} are not symbols and counts of an XDATCAR.",
            reason="bad_header",
        )
    with np.errstate(over="ignore", invalid="ignore"):
        volume = abs(float(np.linalg.det(cell)))
    if not (np.isfinite(scale) and scale != 0.0 and np.isfinite(volume) and volume > 0.0):
        raise UnreadableTrajectoryError(
            f"{name} has no valid cell in its header.", reason="no_cell"
        )
    # A negative scale is the volume in Å³ (VASP's POSCAR convention).
    factor = scale if scale > 0 else (-scale / volume) ** (1 / 3)
    # POTCAR labels such as Li_sv or Fe_pv/hash name the element first.
    clean = [re.split(r"[_/]", kind)[0] for kind in kinds]
    atom_count(str(sum(counts)), name)
    return cell * factor, tuple(
        chain.from_iterable([k] * c for k, c in zip(clean, counts, strict=True))
    )


def _frames(
    source: Iterator[str],
    cell: NDArray[np.float64],
    symbols: tuple[str, ...],
    name: str,
    notes: list[str],
) -> Iterator[Frame]:
    for line in source:
        if not line.strip():
            continue
        kind = line.strip()[:1].lower()
        marker = line.lower().partition("configuration")
        if not marker[1]:
            cell, again = _header([line, *take(source, 6)], name, notes)
            if again != symbols:
                raise UnreadableTrajectoryError(
                    f"{name} changes its atoms between two headers; split the file there.",
                    reason="atoms_change",
                )
            continue
        block = take(source, len(symbols))
        step = re.search(r"(\d+)", marker[2])
        yield Frame(
            positions=_rows(block, f"{name}, {line.strip()[:40]}", notes),
            cell=cell,
            fractional=kind == "d",
            step=step_number(step.group(1)) if step else -1,
        )
