"""Find solids in which both a metal cation and an anion migrate.

The names below are the public ones; each is imported when it is first used, since numba and
pymatgen take a second to load.

    from dualion import screen
    result = screen(structure, cation="Li")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

_CHECKOUT = Path(__file__).resolve().parents[1]
if all((_CHECKOUT / room / "__init__.py").is_file() for room in ("structures", "workflows")):
    # In a checkout the rooms lie beside this folder; an installed package has them inside.
    __path__.append(str(_CHECKOUT))

if TYPE_CHECKING:
    from dualion.results.path.ion_paths import IonPaths
    from dualion.screening.barrier_types import BarrierOptions, IonBarriers
    from dualion.screening.bvse.potential import PotentialOptions
    from dualion.screening.criterion import DaiCriterion, Verdict
    from dualion.screening.screen import screen
    from dualion.screening.screen_options import ScreenOptions
    from dualion.screening.screen_result import PairFailure, PairResult, ScreenResult
    from dualion.screening.transport.analysis import analyse
    from dualion.screening.transport.options import AnalysisOptions
    from dualion.screening.transport.report import TransportReport
    from dualion.structures.trajectories.options import ReadOptions
    from dualion.structures.trajectories.pieces.runs import read_runs
    from dualion.structures.trajectories.read import read_trajectory
    from dualion.structures.trajectories.types import Trajectory
    from dualion.workflows.library import ScreenFailure, ScreenResults, guest, paths, screen_many

_HOME = {
    "AnalysisOptions": "screening.transport.options",
    "BarrierOptions": "screening.barrier_types",
    "DaiCriterion": "screening.criterion",
    "IonBarriers": "screening.barrier_types",
    "IonPaths": "results.path.ion_paths",
    "PairFailure": "screening.screen_result",
    "PairResult": "screening.screen_result",
    "PotentialOptions": "screening.bvse.potential",
    "ReadOptions": "structures.trajectories.options",
    "ScreenFailure": "workflows.library",
    "ScreenOptions": "screening.screen_options",
    "ScreenResult": "screening.screen_result",
    "ScreenResults": "workflows.library",
    "Trajectory": "structures.trajectories.types",
    "TransportReport": "screening.transport.report",
    "Verdict": "screening.criterion",
    "analyse": "screening.transport.analysis",
    "guest": "workflows.library",
    "paths": "workflows.library",
    "read_trajectory": "structures.trajectories.read",
    "read_runs": "structures.trajectories.pieces.runs",
    "screen": "screening.screen",
    "screen_many": "workflows.library",
}

__all__ = [
    "AnalysisOptions",
    "BarrierOptions",
    "DaiCriterion",
    "IonBarriers",
    "IonPaths",
    "PairFailure",
    "PairResult",
    "PotentialOptions",
    "ReadOptions",
    "ScreenFailure",
    "ScreenOptions",
    "ScreenResult",
    "ScreenResults",
    "Trajectory",
    "TransportReport",
    "Verdict",
    "__version__",
    "analyse",
    "guest",
    "paths",
    "read_runs",
    "read_trajectory",
    "screen",
    "screen_many",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name == "__version__":
        from importlib.metadata import version

        return version("dualion")
    if name not in _HOME:
        raise AttributeError(f"module 'dualion' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"dualion.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
