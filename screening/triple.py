"""A barrier of an ion for transport in one, two and three dimensions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple


class Triple(NamedTuple):
    """E_1D, E_2D and E_3D of an ion.

    Attributes:
        e1d: lowest energy at which a path along one direction percolates, eV; ``inf`` for none.
        e2d: the same for paths that span a plane, eV.
        e3d: the same for paths that span the crystal, eV.
    """

    e1d: float
    e2d: float
    e3d: float

    @classmethod
    def first_known(cls, one: Iterable[float], other: Iterable[float]) -> Triple:
        """Take each energy of the first, eV, or that of the other where it is NaN."""
        pairs = zip(one, other, strict=True)
        return cls(*(second if math.isnan(first) else first for first, second in pairs))

    def above(self, bases: Triple) -> Triple:
        """Return each energy above its base, eV; ``inf`` where there is none."""
        return Triple(*(float(top - base) for top, base in zip(self, bases, strict=True)))
