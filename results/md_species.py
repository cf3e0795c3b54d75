"""Diffusion of an ion, read back from ``transport.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from dualion.screening.transport.self_diffusion.coefficient import Diffusion
from dualion.screening.transport.self_diffusion.upper_limit import CM2_S_PER_A2_PS


def diffusion_of(species: Mapping[str, Any]) -> Diffusion:
    """Rebuild a diffusion from its JSON; unknown numbers are NaN."""

    def number(name: str) -> float:
        return number_of(species, name)

    d, error, low, high = _fitted(species)
    return Diffusion(
        species=str(species["species"]),
        n_ions=int(species["n_ions"]),
        d_cm2_s=d,
        error_cm2_s=error,
        low_cm2_s=low,
        high_cm2_s=high,
        tensor_cm2_s=_matrix(species.get("d_tensor_cm2_s")),
        tensor_error_cm2_s=_matrix(species.get("d_tensor_error_cm2_s")),
        tensor_dof=math.nan,
        intercept_angstrom2=number("intercept_angstrom2"),
        window_ps=(number("window_start_ps"), number("window_end_ps")),
        n_eff=number("n_eff"),
        relative_error_he_zhu_mo=number("relative_error_he_zhu_mo"),
        log_slope=number("log_slope"),
        non_gaussian=number("non_gaussian"),
        inflation=math.nan,
        verdict=species["verdict"],
        flags=tuple(species.get("flags") or ()),
    )


def number_of(species: Mapping[str, Any], name: str) -> float:
    """Read a number of an ion of ``transport.json``; NaN where it is unknown.

    Args:
        species: the ion.
        name: key of the number.
    """
    value = species.get(name)
    return math.nan if value is None else float(value)


def _fitted(species: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """Read D, its error and the ends of its interval, cm²/s, of the fit; NaN where unknown."""
    fit, unit = species.get("msd_fit") or {}, CM2_S_PER_A2_PS / 6.0
    if fit and species["verdict"] != "diffusing":
        names = ("slope", "error", "low", "high")
        values = [fit.get(f"{name}_angstrom2_ps") for name in names]
    else:  # what diffuses, and analyses of older versions
        values = [species.get(f"d_{name}cm2_s") for name in ("", "error_", "low_", "high_")]
        unit = 1.0
    d, error, low, high = (math.nan if value is None else float(value) * unit for value in values)
    return d, error, low, high


def _matrix(values: object) -> Any:
    """Read a matrix of shape (3, 3); NaN where unknown."""
    matrix = np.full((3, 3), np.nan)
    if isinstance(values, list):
        for i, row in enumerate(values):
            for j, value in enumerate(row):
                matrix[i, j] = math.nan if value is None else float(value)
    return matrix
