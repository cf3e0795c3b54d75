"""LAMMPS: dumps, their units and their clock."""
