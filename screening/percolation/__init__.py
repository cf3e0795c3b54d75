"""Percolation of an energy landscape: thresholds, basins, refined saddles, and paths."""
