"""Which ions are drawn as moving, and what is drawn as the framework."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from walks import STEP_PS, gaussian_walk

from dualion.screening.transport.motion.pathlines import MOST_FRAMES, collect_pathlines
from dualion.screening.transport.self_diffusion.coefficient import diffusion

CELL = np.array([[8.0, 0.0, 0.0], [3.5, 7.0, 0.0], [-2.0, 1.0, 9.0]])
WALK = gaussian_walk(np.random.default_rng(0), 900, 5)
SYMBOLS = ("Li", "Li", "I", "P", "S")
ATOMS = {"Li": [0, 1], "I": [2], "P": [3], "S": [4]}


def lines_of(**verdicts: str):
    any_diffusion = diffusion(WALK, STEP_PS)
    reports = [
        SimpleNamespace(
            name=name,
            indices=np.array(ATOMS[name]),
            diffusion=replace(any_diffusion, verdict=verdict),
        )
        for name, verdict in verdicts.items()
    ]
    return collect_pathlines(WALK, CELL, SYMBOLS, reports)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdicts", "moving"),
    [
        (("diffusing", "not resolved", "vibrating", "rotating"), ["Li"]),
        (("vibrating", "not resolved", "vibrating", "rotating"), ["I"]),
        (("diffusing", "diffusing", "vibrating", "rotating"), ["Li", "I"]),
        (("vibrating", "vibrating", "vibrating", "rotating"), []),
    ],
)
def test_what_diffuses_is_drawn_and_what_is_not_resolved_where_nothing_does(
    verdicts: tuple[str, ...], moving: list[str]
) -> None:
    found = lines_of(**dict(zip(ATOMS, verdicts, strict=True)))
    assert list(found.mobile) == moving
    still = [atom for name, atoms in ATOMS.items() if name not in moving for atom in atoms]
    assert found.symbols == tuple(SYMBOLS[atom] for atom in still)
    np.testing.assert_allclose(found.framework @ CELL, WALK[:, still].mean(axis=0), atol=1e-9)
    for name, path in found.mobile.items():
        assert path.shape == (MOST_FRAMES, len(ATOMS[name]), 3)
        np.testing.assert_allclose(path[[0, -1]] @ CELL, WALK[[0, -1]][:, ATOMS[name]], atol=1e-9)
