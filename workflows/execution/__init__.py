"""Where and how tasks run: Dask, isolated processes, locks, signals, batch systems."""
