"""Columns of the ordered configurations of a disordered structure, written and judged anew."""

from __future__ import annotations

import math

import numpy as np

from dualion.results.columns import Row
from dualion.screening.criterion import DaiCriterion
from dualion.screening.disorder_ensemble import DisorderEnsemble

IONS = ("cation", "anion")


def ensemble_columns(ensemble: DisorderEnsemble) -> Row:
    """Return the columns that hold the barriers of each configuration.

    Args:
        ensemble: the pair in its configurations.
    """
    row: Row = {"ensemble_count": len(ensemble.cation_ev)}
    for ion, values in zip(IONS, (ensemble.cation_ev, ensemble.anion_ev), strict=True):
        for n, column in enumerate(values.T, start=1):
            row[f"ensemble_e{n}d_{ion}_ev"] = ";".join(f"{value:.6f}" for value in column)
    return row


def ensemble_of(row: Row) -> DisorderEnsemble | None:
    """Return the configurations of a row; None for a row without any.

    Args:
        row: a row with the columns of ``ensemble_columns``, or without.
    """
    cation_ev, anion_ev = (_barriers(row, ion) for ion in IONS)
    if cation_ev is None or anion_ev is None:
        return None
    return DisorderEnsemble(cation_ev=cation_ev, anion_ev=anion_ev)


def judged_columns(ensemble: DisorderEnsemble, criterion: DaiCriterion) -> Row:
    """Return the columns that follow from the configurations and a criterion.

    Args:
        ensemble: the pair in its configurations.
        criterion: thresholds.
    """
    fresh: Row = {"ensemble_pass_share": ensemble.pass_share(criterion)}
    for ion, values in zip(IONS, (ensemble.cation_ev, ensemble.anion_ev), strict=True):
        chosen = values[:, criterion.dimensionality - 1]
        fresh[f"ensemble_{ion}_median_ev"] = _median(chosen)
        fresh[f"ensemble_{ion}_lowest_ev"] = float(chosen.min())
        fresh[f"ensemble_{ion}_highest_ev"] = float(chosen.max())
    return fresh


def _barriers(row: Row, ion: str) -> np.ndarray | None:
    """Shape (n, 3), eV."""
    texts = [row.get(f"ensemble_e{n}d_{ion}_ev") for n in (1, 2, 3)]
    if not all(isinstance(text, str) and text for text in texts):
        return None
    return np.array([[float(part) for part in str(text).split(";")] for text in texts]).T


def _median(values: np.ndarray) -> float:
    """The middle value; the higher of the middle two where one of them is infinite."""
    ordered = np.sort(values)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return float(high) if math.isinf(high) else float((low + high) / 2.0)
