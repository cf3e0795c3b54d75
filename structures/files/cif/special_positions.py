"""Special positions from coordinates that were printed with few decimals.

A file that prints ``0.333 0.667`` means the threefold axis at 1/3, 2/3, and the symmetry
operators move the printed point by up to a few thousandths. Every point that may have been
printed so is allowed: rounded or cut to its last digit. An operator that leaves one of them in
place is a symmetry of the site, and the site is put onto the point that all of these leave in
place. Multiplicities of Wyckoff positions: International Tables for Crystallography A, 1.4.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SAME_SITE_FRACTIONAL = 1e-3
"""Images closer than this, along each axis, are one site, however many digits are printed."""

LARGEST_MOVE_ANGSTROM = 0.3
"""A site that would have to move farther is none that lies on the symmetry element."""

LOOSE_DIGITS = 3.0
"""Steps of the last digit by which sloppy coordinates may be off; only the stated formula can
ask for that."""

LARGEST_LOOSE_FRACTIONAL = 0.05

_DECIMAL = re.compile(r"[+-]?(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?(?:\(.*)?$")

Interval = tuple[float, float]
"""Values that a printed number may stand for."""

Affine = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Rotations, shape (n, 3, 3), and translations, shape (n, 3), of operators on fractions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One reading of where a printed site lies.

    Attributes:
        position: fractional coordinates.
        multiplicity: images of the site in the cell.
    """

    position: tuple[float, float, float]
    multiplicity: float


def printed_interval(text: str, value: float) -> Interval:
    """Values that were printed as ``text``, by rounding or by cutting digits off.

    Args:
        text: the number as it stands in the file.
        value: the number.

    Returns:
        Lowest and highest value. Whole numbers, ratios and single decimals (0.5) are exact:
        so few digits are printed of what needs no more.
    """
    step = _last_digit(text)
    if step is None or step > 0.05:
        return value, value
    near, far = value - 0.5 * step, value + 0.999 * step
    if value < 0.0 or text.strip().startswith("-"):
        near, far = value - 0.999 * step, value + 0.5 * step
    return near, far


def loose_interval(text: str, value: float) -> Interval:
    """Return the lowest and highest value that sloppy writers may have meant with a number.

    Args:
        text: the number as it stands in the file.
        value: the number.
    """
    step = _last_digit(text)
    if step is None or step >= 1.0:
        return value, value
    width = min(LARGEST_LOOSE_FRACTIONAL, max(LOOSE_DIGITS * step, 1.5e-3))
    return value - width, value + width


def _last_digit(text: str) -> float | None:
    """What one step of the last printed digit is; None for ratios."""
    match = _DECIMAL.match(text.strip())
    if match is None:
        return None
    exponent = int((match.group(3) or "0")[:5])
    return float(10.0 ** max(-300, min(300, exponent - len(match.group(2) or ""))))


def place(
    position: tuple[float, float, float],
    intervals: Iterable[Interval],
    operators: tuple[str, ...],
    cell: NDArray[np.float64],
) -> Placement:
    """Put a site onto the symmetry elements that its printed digits allow.

    Args:
        position: fractional coordinates as printed.
        intervals: for each axis, the values that may be meant.
        operators: all operators of the space group, as ``x, y, z`` texts.
        cell: shape (3, 3), rows are the lattice vectors, Å.

    Returns:
        The site, moved by no more than its digits leave open, and its multiplicity.
    """
    rotations, translations = affine(operators)
    printed = np.array(position)
    low, high = np.array(list(intervals)).T
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    shifts, candidates = _site_symmetries(rotations, translations, middle, half, printed, cell)
    chosen, point = _largest_group(
        rotations, translations - shifts, candidates, printed, (low, high), cell
    )
    x, y, z = (float(value) for value in point)
    return Placement(position=(x, y, z), multiplicity=len(rotations) / len(chosen))


@lru_cache(maxsize=256)
def affine(operators: tuple[str, ...]) -> Affine:
    """Operators as arrays, each once (translations modulo the lattice)."""
    from pymatgen.core.operations import SymmOp

    found: dict[tuple[int, ...], tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    for text in operators:
        matrix = SymmOp.from_xyz_str(text)
        rotation, shift = matrix.rotation_matrix, matrix.translation_vector % 1.0
        key = (*np.rint(rotation).astype(int).ravel().tolist(), *_rounded(shift))
        found.setdefault(key, (rotation, shift))
    rotations = np.array([rotation for rotation, _ in found.values()], dtype=np.float64)
    return rotations, np.array([shift for _, shift in found.values()], dtype=np.float64)


def _rounded(shift: NDArray[np.float64]) -> list[int]:
    values: list[int] = (np.rint(shift * 240.0).astype(int) % 240).tolist()
    return values


def _site_symmetries(
    rotations: NDArray[np.float64],
    translations: NDArray[np.float64],
    middle: NDArray[np.float64],
    half: NDArray[np.float64],
    printed: NDArray[np.float64],
    cell: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Lattice vectors back to the site, and operators that may leave it in place.

    The identity comes first, then the others in the order of how little they move the site.
    """
    moved = rotations @ middle + translations - middle
    shifts = np.rint(moved)
    allowed = np.abs(rotations - np.eye(3)) @ half + 1e-9
    near = (np.abs(moved - shifts) <= np.maximum(allowed, SAME_SITE_FRACTIONAL)).all(axis=1)
    distances = np.linalg.norm(
        (rotations @ printed + translations - shifts - printed) @ cell, axis=1
    )
    # An image lies twice as far away as the element between it and the site.
    near &= distances <= 2.0 * LARGEST_MOVE_ANGSTROM
    candidates = np.flatnonzero(near)
    return shifts, candidates[np.argsort(distances[candidates], kind="stable")]


def _largest_group(
    rotations: NDArray[np.float64],
    translations: NDArray[np.float64],
    candidates: NDArray[np.int64],
    printed: NDArray[np.float64],
    bounds: tuple[NDArray[np.float64], NDArray[np.float64]],
    cell: NDArray[np.float64],
) -> tuple[list[int], NDArray[np.float64]]:
    """Operators that one point within the bounds satisfies together, and that point."""

    def try_point(chosen: list[int]) -> NDArray[np.float64] | None:
        point = (rotations[chosen] @ printed + translations[chosen]).mean(axis=0)
        back = rotations[chosen] @ point + translations[chosen] - point
        slack = SAME_SITE_FRACTIONAL
        inside = (point >= bounds[0] - slack).all() and (point <= bounds[1] + slack).all()
        near = np.linalg.norm((point - printed) @ cell) <= LARGEST_MOVE_ANGSTROM
        return point if inside and near and np.abs(back).max() < 1e-6 else None

    everything = candidates.tolist()
    point = try_point(everything)
    if point is not None:
        return everything, point
    table = {_key(rotations[i], translations[i]): i for i in everything}
    group = _closure([], everything[0], rotations, translations, table) or everything[:1]
    best = printed
    for candidate in everything[1:]:
        if candidate in group:
            continue
        larger = _closure(group, candidate, rotations, translations, table)
        point = None if larger is None else try_point(larger)
        if larger is not None and point is not None:
            group, best = larger, point
    return group, best


def _closure(
    group: list[int],
    new: int,
    rotations: NDArray[np.float64],
    translations: NDArray[np.float64],
    table: dict[tuple[int, ...], int],
) -> list[int] | None:
    """The group that an operator makes with a group; None where it leaves the candidates."""
    found = [*group, new]
    position = 0
    while position < len(found):
        first = found[position]
        position += 1
        for second in list(found):
            for a, b in ((first, second), (second, first)):
                rotation = rotations[a] @ rotations[b]
                shift = rotations[a] @ translations[b] + translations[a]
                product = table.get(_key(rotation, shift))
                if product is None:
                    return None
                if product not in found:
                    found.append(product)
    return found


def _key(rotation: NDArray[np.float64], shift: NDArray[np.float64]) -> tuple[int, ...]:
    return (
        *np.rint(rotation).astype(int).ravel().tolist(),
        *np.rint(shift * 48.0).astype(int).tolist(),
    )
