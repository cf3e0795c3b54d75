"""Doped configurations: written, relaxed, ranked."""
