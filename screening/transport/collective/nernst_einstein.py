"""Conductivity of ions that know nothing of each other: Nernst–Einstein.

σ = Σ n z² e² D / (V k T) over the groups of ions that diffuse; the rest adds a limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.constants import e as ELEMENTARY_CHARGE
from scipy.constants import k as BOLTZMANN

from dualion.screening.transport.measured import UNKNOWN, Measured
from dualion.screening.transport.ratios import share
from dualion.screening.transport.self_diffusion.coefficient import Diffusion


@dataclass(frozen=True, slots=True, kw_only=True)
class IonConductivity:
    """Conductivity of one group as independent ions, S/cm: a value with its error, or a limit."""

    value: float
    error: float
    limit: float = 0.0


def ion_conductivities(
    names: Sequence[str],
    charges_e: Mapping[str, float],
    diffusions: Sequence[Diffusion],
    volume: float,
    temperature_k: float,
) -> list[IonConductivity]:
    """Conductivity of each group as independent ions; NaN where its D is not given.

    What does not diffuse adds nothing but a limit.
    """
    by_name = {d.species: d for d in diffusions}
    parts = []
    for name in names:
        if name not in by_name:
            parts.append(IonConductivity(value=np.nan, error=np.inf))
            continue
        d = by_name[name]
        density = d.n_ions / (volume * 1e-30)
        charge = charges_e[name] * ELEMENTARY_CHARGE
        factor = density * charge**2 / (BOLTZMANN * temperature_k) * 1e-4 * 1e-2
        if d.resolved:
            parts.append(IonConductivity(value=factor * d.d_cm2_s, error=factor * d.error_cm2_s))
        elif d.verdict == "rotating":  # bound to a centre: no way of its own
            parts.append(IonConductivity(value=0.0, error=0.0))
        else:
            parts.append(IonConductivity(value=0.0, error=0.0, limit=factor * d.upper_cm2_s))
    return parts


def sum_conductivities(parts: Sequence[IonConductivity]) -> Measured:
    """σ of independent ions that diffuse, S/cm; where none does, the limit of all."""
    value = sum(part.value for part in parts)
    if not np.isfinite(value):
        return UNKNOWN
    if value <= 0.0:
        limit = sum(part.limit for part in parts)
        return Measured(value=np.nan, error=np.inf, low=0.0, high=limit)
    error = float(np.sqrt(sum(part.error**2 for part in parts)))
    return Measured(value=value, error=error, low=value - 1.96 * error, high=value + 1.96 * error)


def conductivity_shares(parts: Sequence[IonConductivity]) -> tuple[Measured, ...]:
    """Share of each part in the sum, errors of the parts as if independent.

    A limit of what does not diffuse counts as two standard errors of the total.
    """
    total = sum(part.value for part in parts)
    if not (np.isfinite(total) and total > 0.0):
        return (UNKNOWN,) * len(parts)
    others = sum(part.error**2 for part in parts)
    unseen = sum(part.limit for part in parts)
    shares = []
    for part in parts:
        if part.value <= 0.0:
            most = part.limit / (total + part.limit) if np.isfinite(part.limit) else 1.0
            shares.append(Measured(value=np.nan, error=np.inf, low=0.0, high=most))
            continue
        rest = float(np.sqrt(max(others - part.error**2, 0.0)))
        error = float(np.hypot(rest, 0.5 * unseen))
        shares.append(share(part.value, part.error, total - part.value, error))
    return tuple(shares)
