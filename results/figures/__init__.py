"""Figures for papers: one function per figure, from finished results; no physics in here."""

from dualion.results.figures.screening import (
    barrier_figure,
    funnel_figure,
    ranking_figure,
    ratio_figure,
    write_run_figures,
)

__all__ = [
    "barrier_figure",
    "funnel_figure",
    "ranking_figure",
    "ratio_figure",
    "write_run_figures",
]
