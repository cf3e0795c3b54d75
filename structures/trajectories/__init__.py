"""Reading of MD trajectories: any common file to one unwrapped array."""

from structures.trajectories.options import FORMATS, ReadOptions
from structures.trajectories.read import read_trajectory
from structures.trajectories.types import Trajectory, UnreadableTrajectoryError

__all__ = ["FORMATS", "ReadOptions", "Trajectory", "UnreadableTrajectoryError", "read_trajectory"]
