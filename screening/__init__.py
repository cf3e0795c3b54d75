"""Physics as pure functions: fields, percolation, the DAI verdict.

``screen`` judges one structure. The names below are the public ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from screening.barriers import BarrierOptions, IonBarriers, ion_barriers, native_barriers
    from screening.ions import MobileIon
    from screening.pairs import (
        PairFailure,
        PairResult,
        ScreenOptions,
        ScreenResult,
        screen,
        screen_crystal,
    )
    from screening.potential import PotentialOptions, preset
    from screening.verdict import DaiCriterion, Verdict, judge

_HOME = {
    "BarrierOptions": "barriers",
    "DaiCriterion": "verdict",
    "IonBarriers": "barriers",
    "MobileIon": "ions",
    "PairFailure": "pairs",
    "PairResult": "pairs",
    "PotentialOptions": "potential",
    "ScreenOptions": "pairs",
    "ScreenResult": "pairs",
    "Verdict": "verdict",
    "ion_barriers": "barriers",
    "judge": "verdict",
    "native_barriers": "barriers",
    "preset": "potential",
    "screen": "pairs",
    "screen_crystal": "pairs",
}

__all__ = [
    "BarrierOptions",
    "DaiCriterion",
    "IonBarriers",
    "MobileIon",
    "PairFailure",
    "PairResult",
    "PotentialOptions",
    "ScreenOptions",
    "ScreenResult",
    "Verdict",
    "ion_barriers",
    "judge",
    "native_barriers",
    "preset",
    "screen",
    "screen_crystal",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used; numba takes half a second to load."""
    if name not in _HOME:
        raise AttributeError(f"module 'screening' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"screening.{_HOME[name]}"), name)
