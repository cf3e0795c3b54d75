"""Molecular dynamics of the shortlist: plan, run in pieces, follow, analyse."""
