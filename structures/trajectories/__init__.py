"""Reading of MD trajectories: any common file to one unwrapped array."""

from dualion.structures.trajectories.options import FORMATS, ReadOptions
from dualion.structures.trajectories.read import read_trajectory
from dualion.structures.trajectories.types import Trajectory, UnreadableTrajectoryError

__all__ = ["FORMATS", "ReadOptions", "Trajectory", "UnreadableTrajectoryError", "read_trajectory"]
