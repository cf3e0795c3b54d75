"""Defects, insertions and substitutions, and the configurations they give."""
