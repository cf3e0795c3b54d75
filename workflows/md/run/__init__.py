"""Running MD: segments, supervision, guards, checkpoints, batches."""
