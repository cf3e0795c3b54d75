"""Transport from trajectories: pure functions from arrays to frozen results."""
