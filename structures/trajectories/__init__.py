"""Reading of MD trajectories: any common file to one unwrapped array."""

from dualion.structures.trajectories.arrays import (
    as_trajectory,
    trajectory_from_arrays,
    trajectory_from_ase,
    trajectory_from_mdanalysis,
    trajectory_from_pymatgen,
)
from dualion.structures.trajectories.options import FORMATS, ReadOptions
from dualion.structures.trajectories.read import read_trajectory
from dualion.structures.trajectories.types import Trajectory, UnreadableTrajectoryError

__all__ = [
    "FORMATS",
    "ReadOptions",
    "Trajectory",
    "UnreadableTrajectoryError",
    "as_trajectory",
    "read_trajectory",
    "trajectory_from_arrays",
    "trajectory_from_ase",
    "trajectory_from_mdanalysis",
    "trajectory_from_pymatgen",
]
