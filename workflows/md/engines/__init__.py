"""Engines of molecular dynamics, by name."""

from __future__ import annotations

import importlib

from dualion.workflows.campaign.screening_options import known_name
from dualion.workflows.md.engines.base import (
    Engine,
    EngineCall,
    EngineError,
    GuardTrippedError,
    Resources,
)

__all__ = [
    "EXTERNAL",
    "Engine",
    "EngineCall",
    "EngineError",
    "GuardTrippedError",
    "Resources",
    "engine_named",
]

EXTERNAL = {
    "cp2k": "dualion.workflows.md.engines.cp2k:Cp2kEngine",
    "vasp": "dualion.workflows.md.engines.vasp:VaspEngine",
}
"""Engines that are programs of their own → module and class."""


def make_engine(name: str, *, device: str = "auto") -> Engine:
    """Make an engine: ``cp2k``, ``vasp``, or any ASE calculator by its name.

    Args:
        name: of the engine.
        device: for ASE calculators: auto, cpu or cuda.

    Raises:
        InputError: there is no such engine.
    """
    if name in EXTERNAL:
        module, _, attribute = EXTERNAL[name].partition(":")
        engine: Engine = getattr(importlib.import_module(module), attribute)()
        return engine
    # The modules of engines import this package, so they are imported when one is made.
    from dualion.workflows.md.engines.ase_engine import AseEngine
    from dualion.workflows.potentials.cards import CARDS
    from dualion.workflows.potentials.load import is_calculator

    if not is_calculator(name):
        known_name("engine", name, (*CARDS, *EXTERNAL))
    return AseEngine(name, device=device)
