"""Reading of MD trajectories: any common file to one unwrapped array."""

from structures.trajectories.read import FORMATS, ReadOptions, read_trajectory
from structures.trajectories.types import Trajectory, UnreadableTrajectoryError

__all__ = ["FORMATS", "ReadOptions", "Trajectory", "UnreadableTrajectoryError", "read_trajectory"]
