"""Probability densities as volumetric files for VESTA and its like: cube and CHGCAR."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.constants import physical_constants

from dualion.screening.transport.motion.density import Density

BOHR_ANGSTROM = physical_constants["Bohr radius"][0] * 1e10


def _blocks(values: NDArray[np.float64], per_line: int) -> str:
    lines = [
        " ".join(f"{v:12.5E}" for v in values[start : start + per_line])
        for start in range(0, len(values), per_line)
    ]
    return "\n".join(lines) + "\n"


def cube_text(density: Density, numbers: NDArray[np.int64], fractional: NDArray[np.float64]) -> str:
    """Gaussian cube file of a density, in 1/Å³, with some atoms.

    Args:
        density: the density.
        numbers: shape (n,), atomic numbers of the atoms shown.
        fractional: shape (n, 3), their fractional coordinates.
    """
    shape = density.values.shape
    axes = density.cell / np.array(shape)[:, None] / BOHR_ANGSTROM
    lines = [f"probability density of {density.species}, 1/Angstrom^3", "made by dualion"]
    lines.append(f"{len(numbers):5d} 0.000000 0.000000 0.000000")
    for count, axis in zip(shape, axes, strict=True):
        lines.append(f"{count:5d} " + " ".join(f"{x:12.6f}" for x in axis))
    for number, row in zip(numbers, fractional @ density.cell / BOHR_ANGSTROM, strict=True):
        place = " ".join(f"{x:12.6f}" for x in row)
        lines.append(f"{int(number):5d} {float(number):12.6f} {place}")
    body = "".join(_blocks(column, 6) for column in density.values.reshape(-1, shape[2]))
    return "\n".join(lines) + "\n" + body


def chgcar_text(density: Density, symbols: tuple[str, ...], fractional: NDArray[np.float64]) -> str:
    """CHGCAR of a density: values times the cell volume, x running fastest.

    Args:
        density: the density.
        symbols: symbol of each atom shown.
        fractional: shape (n, 3), their fractional coordinates.
    """
    kinds = tuple(dict.fromkeys(symbols))
    order = [i for kind in kinds for i, s in enumerate(symbols) if s == kind]
    lines = [f"probability density of {density.species}", "1.0"]
    lines += [" ".join(f"{x:12.6f}" for x in row) for row in density.cell]
    lines += [" ".join(kinds), " ".join(str(symbols.count(kind)) for kind in kinds), "Direct"]
    lines += [" ".join(f"{x:10.6f}" for x in fractional[i]) for i in order]
    lines += ["", " ".join(str(n) for n in density.values.shape)]
    volume = abs(np.linalg.det(density.cell))
    return "\n".join(lines) + "\n" + _blocks(density.values.ravel(order="F") * volume, 5)
