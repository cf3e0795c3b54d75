"""Molecular dynamics of the shortlist: plan, run in segments, monitor, analyse."""
