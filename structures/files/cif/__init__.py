"""CIF: blocks, sites, symmetry, and what labels and printed digits mean."""
