"""Diffusion of an ion, read back from ``transport.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from dualion.screening.transport.self_diffusion.coefficient import Diffusion
from dualion.screening.transport.self_diffusion.upper_limit import CM2_S_PER_A2_PS

FIT = ("slope", "error", "low", "high", "one_jump")
"""Numbers of ``msd_fit`` that replicas are combined from, Å²/ps."""


def diffusion_of(species: Mapping[str, Any]) -> Diffusion:
    """Rebuild a diffusion from its JSON; unknown numbers are NaN."""

    def number(name: str) -> float:
        return number_of(species, name)

    d, error, low, high, one_jump = _fitted(species)
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
        one_jump_cm2_s=one_jump,
    )


def number_of(species: Mapping[str, Any], name: str) -> float:
    """Read a number of an ion of ``transport.json``; NaN where it is unknown.

    Args:
        species: the ion.
        name: key of the number.
    """
    value = species.get(name)
    return math.nan if value is None else float(value)


def _fitted(species: Mapping[str, Any]) -> tuple[float, float, float, float, float]:
    """Read D, its error, the ends of its interval and D of one jump, cm²/s; NaN where unknown.

    Analyses of older versions have no D of one jump: the upper end of their interval is the limit.
    """
    unit = CM2_S_PER_A2_PS / 6.0
    fit = {name: number_of(species.get("msd_fit") or {}, f"{name}_angstrom2_ps") for name in FIT}
    one_jump = fit.pop("one_jump") * unit
    if species.get("msd_fit") and species["verdict"] != "diffusing":
        d, error, low, high = (value * unit for value in fit.values())
    else:  # what diffuses, and analyses of older versions
        names = ("d_cm2_s", "d_error_cm2_s", "d_low_cm2_s", "d_high_cm2_s")
        d, error, low, high = (number_of(species, name) for name in names)
    return d, error, low, high, one_jump


def _matrix(values: object) -> Any:
    """Read a matrix of shape (3, 3); NaN where unknown."""
    matrix = np.full((3, 3), np.nan)
    if isinstance(values, list):
        for i, row in enumerate(values):
            for j, value in enumerate(row):
                matrix[i, j] = math.nan if value is None else float(value)
    return matrix
