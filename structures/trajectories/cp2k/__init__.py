"""CP2K: positions, cells and energies of a run."""
