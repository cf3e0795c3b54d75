"""What the readers share: sites, cells and arrays of numbers, checked."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import UnreadableStructureError

if TYPE_CHECKING:
    from pymatgen.core import Composition, Lattice


OCCUPANCY_TOLERANCE = 1.05
"""Sums of occupancies up to this are rounding of the source and are scaled to 1."""


def refusal(message: str, reason: str = "unreadable") -> UnreadableStructureError:
    """Build the error of a text that cannot be read.

    Args:
        message: what is wrong and what to do, for the user.
        reason: short name of the cause, by which refusals are counted.
    """
    return UnreadableStructureError(message, reason=reason)


def too_many_sites(count: int, max_sites: int) -> UnreadableStructureError:
    """Build the error of a structure that is larger than the limit.

    Args:
        count: number of sites that were found.
        max_sites: the limit.
    """
    return refusal(
        f"The cell has {count} or more sites, above the limit of {max_sites}; give a smaller "
        "cell or raise the limit (max_sites).",
        "too_many_sites",
    )


@lru_cache(maxsize=1024)
def full_site(symbol: str) -> Composition:
    """A full site of one species, with or without charge (``Li``, ``Li+``, ``O2-``)."""
    from pymatgen.core import Composition, Element, Species

    try:
        species = Element(symbol) if symbol.isalpha() else Species.from_str(symbol)
    except ValueError as error:
        raise refusal(
            f"{symbol[:20]!r} is no chemical element or ion; write for example Li or Li+.",
            "unknown_element",
        ) from error
    return Composition({species: 1.0})


def number_array(value: object, name: str) -> NDArray[np.float64]:
    """Convert a value from outside to an array of floats of the same shape.

    Args:
        value: a number or nested lists of numbers.
        name: name of the value, for the message.

    Raises:
        UnreadableStructureError: the value holds something else than numbers.
    """
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise refusal(f"{name!r} must hold numbers only.", "bad_row") from error
    return array


def lattice_of(value: object) -> Lattice:
    """A cell from six parameters (Å, degrees) or from three rows (Å)."""
    from pymatgen.core import Lattice

    array = number_array(value, "lattice")
    if array.shape == (6,):
        if not ((array[:3] > 0.0).all() and ((array[3:] > 0.0) & (array[3:] < 180.0)).all()):
            raise refusal("The lengths or angles of the cell are impossible.", "no_cell")
        return Lattice.from_parameters(*array.tolist())
    if array.shape == (3, 3):
        return Lattice(array)
    raise refusal(
        "The lattice must be [a, b, c, alpha, beta, gamma] or three rows of three numbers.",
        "no_cell",
    )
