"""Crystals that several tests use."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.structures.crystal import IonicCrystal


def ionic(cell, frac, numbers, charges, occupancies=None) -> IonicCrystal:
    """A crystal from plain lists."""
    full = np.ones(len(numbers)) if occupancies is None else occupancies
    return IonicCrystal(
        cell=np.array(cell, float),
        frac=np.array(frac, float),
        numbers=np.array(numbers),
        charges=np.array(charges, float),
        occupancies=np.array(full, float),
    )


@pytest.fixture
def triclinic() -> IonicCrystal:
    """LiAl(OF)-like, P1, skewed, with a shared site: nothing about it is symmetric."""
    return ionic(
        cell=[[4.1, 0.3, -0.2], [-1.1, 5.3, 0.4], [0.7, 1.2, 6.2]],
        frac=[
            [0.05, 0.11, 0.93],
            [0.52, 0.43, 0.48],
            [0.21, 0.65, 0.27],
            [0.81, 0.22, 0.71],
            [0.48, 0.91, 0.06],
            [0.48, 0.91, 0.06],
        ],
        numbers=[3, 13, 8, 8, 9, 17],
        charges=[1, 3, -2, -2, -1, -1],
        occupancies=[1.0, 1.0, 1.0, 0.5, 0.6, 0.4],
    )


@pytest.fixture
def rock_salt() -> IonicCrystal:
    """LiCl, 8 ions, a = 5.13 Å."""
    face_centred = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    shifted = [[x + 0.5, y + 0.5, z + 0.5] for x, y, z in face_centred]
    return ionic(
        cell=np.diag([5.13] * 3),
        frac=face_centred + shifted,
        numbers=[3] * 4 + [17] * 4,
        charges=[1] * 4 + [-1] * 4,
    )
