"""Pathlines of the mobile ions over the framework, thinned for drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dualion.screening.transport.report import SpeciesReport

MOST_FRAMES = 400
"""Points of one line; more cannot be told apart in a figure."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pathlines:
    """Where mobile ions went, and where the others stayed.

    Attributes:
        cell: shape (3, 3), Å, mean cell.
        symbols: symbol of each atom of the framework, length k.
        framework: shape (k, 3), fractional, mean positions of the atoms that are not mobile.
        mobile: name of a group → shape (frames, ions, 3), fractional, unwrapped.
    """

    cell: NDArray[np.float64]
    symbols: tuple[str, ...]
    framework: NDArray[np.float64]
    mobile: Mapping[str, NDArray[np.float64]]


def collect_pathlines(
    positions: NDArray[np.float64],
    cell: NDArray[np.float64],
    symbols: Sequence[str],
    reports: Sequence[SpeciesReport],
) -> Pathlines:
    """Collect the pathlines of what diffuses; of what is not resolved if nothing does.

    Args:
        positions: shape (frames, n, 3), Å, unwrapped, relative to the framework.
        cell: shape (3, 3), Å.
        symbols: symbol of each atom.
        reports: what each group does.
    """
    verdicts = {r.diffusion.verdict for r in reports}
    wanted = next((v for v in ("diffusing", "not resolved") if v in verdicts), "")
    moving = [r for r in reports if r.diffusion.verdict == wanted]
    frames = np.unique(np.linspace(0, len(positions) - 1, MOST_FRAMES).astype(int))
    inverse = np.linalg.inv(cell)
    still = np.ones(len(symbols), dtype=bool)
    for report in moving:
        still[report.indices] = False
    return Pathlines(
        cell=np.asarray(cell),
        symbols=tuple(s for s, kept in zip(symbols, still, strict=True) if kept),
        framework=np.asarray(positions[:, still].mean(axis=0) @ inverse),
        mobile={r.name: positions[frames][:, r.indices] @ inverse for r in moving},
    )
