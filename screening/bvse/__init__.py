"""Bond valence site energies: pair parameters, pair potentials, and fields on a grid."""
