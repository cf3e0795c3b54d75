"""Several trajectory files: consecutive pieces of one run, or independent runs."""
