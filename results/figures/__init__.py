"""Figures for papers: one function per figure, from finished results; no physics in here."""
