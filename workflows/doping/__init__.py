"""Doped configurations: write, relax, rank."""
