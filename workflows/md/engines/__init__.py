"""The engines, by name."""

from __future__ import annotations

import importlib

from dualion.workflows.md.engines.base import Engine, EngineError, GuardTrippedError, Leg, Resources

__all__ = [
    "EXTERNAL",
    "Engine",
    "EngineError",
    "GuardTrippedError",
    "Leg",
    "Resources",
    "engine_named",
]

EXTERNAL = {
    "cp2k": "dualion.workflows.md.engines.cp2k:Cp2kEngine",
    "vasp": "dualion.workflows.md.engines.vasp:VaspEngine",
}
"""Engines that are programs of their own, and where their classes are."""


def engine_named(name: str, *, device: str = "auto") -> Engine:
    """An engine: ``cp2k``, ``vasp``, or any ASE calculator by its name.

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
    from dualion.workflows.campaign.screening_options import known_name
    from dualion.workflows.md.engines.ase_engine import AseEngine
    from dualion.workflows.md.engines.calculators import CALCULATORS, is_calculator

    if not is_calculator(name):
        known_name("engine", name, (*CALCULATORS, *EXTERNAL))
    return AseEngine(name, device=device)
