"""What molecular dynamics says of candidates: finished runs, series, potentials compared."""
