"""Conductivity, Onsager coefficients and transport numbers from collective displacements.

σ_ij = lim d/dt ⟨ΔJ_i·ΔJ_j⟩ / (6 V k T), with J_i = Σ z e r over the ions of species i: the
Einstein form of the Green–Kubo relation, linear combinations of the Onsager coefficients
(Fong, Self, McCloskey, Persson, Macromolecules 54, 2575 (2021),
doi:10.1021/acs.macromol.0c02545). A transport number is t_i = Σ_j σ_ij / σ.

The collective path of a species is one coordinate triple, so its slope is far less certain
than a tracer D; every number has an error, and one that its error exceeds is not resolved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.constants import e as ELEMENTARY_CHARGE
from scipy.constants import k as BOLTZMANN

from dualion.screening.transport._checks import checked_positions, checked_step
from dualion.screening.transport.collective.nernst_einstein import (
    conductivity_shares,
    ion_conductivities,
    sum_conductivities,
)
from dualion.screening.transport.collective.slopes import CollectiveSlopes, displacement_products
from dualion.screening.transport.measured import UNKNOWN, Measured
from dualion.screening.transport.ratios import positive_ratio
from dualion.screening.transport.self_diffusion.coefficient import Diffusion
from dualion.screening.transport.self_diffusion.slope import Slope
from dualion.screening.transport.self_diffusion.window import choose_window
from dualion.structures.errors import InputError

LEAST_FRAMES = 20
"""Fewer frames give no collective slope worth its error."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Transport:
    """Collective transport of the ions of one run.

    Attributes:
        species: names of the groups of ions, in the order of the arrays.
        charges_e: shape (s,), e.
        temperature_k: temperature, K.
        conductivity_s_cm: σ from the collective displacement, S/cm.
        nernst_einstein_s_cm: Σ n z² D / (V k T) over the groups that diffuse, S/cm.
        haven_ratio: Nernst–Einstein over collective.
        onsager_s_cm: shape (s, s), σ_ij, S/cm; their sum is σ.
        onsager_error_s_cm: shape (s, s), standard errors, S/cm.
        numbers: transport number of each group.
        cation_number: transport number of all groups with a positive charge.
        anion_number: transport number of all groups with a negative charge.
        einstein_numbers: share of each group in the Nernst–Einstein conductivity, which takes the
            ions as independent and asks for no frame.
        frame: what the displacements, and so σ_ij and the numbers, are relative to.
        window_ps: first and last lag of the fit, ps.
        flags: names of what a cautious reader should know.
    """

    species: tuple[str, ...]
    charges_e: NDArray[np.float64]
    temperature_k: float
    conductivity_s_cm: Measured
    nernst_einstein_s_cm: Measured
    haven_ratio: Measured
    onsager_s_cm: NDArray[np.float64]
    onsager_error_s_cm: NDArray[np.float64]
    numbers: tuple[Measured, ...]
    cation_number: Measured
    anion_number: Measured
    einstein_numbers: tuple[Measured, ...]
    frame: str
    window_ps: tuple[float, float]
    flags: tuple[str, ...] = ()


def transport(
    groups: Mapping[str, NDArray[np.float64]],
    charges_e: Mapping[str, float],
    frame_step_ps: float,
    *,
    volume_cubic_angstrom: float,
    temperature_k: float,
    diffusions: Sequence[Diffusion] = (),
    earliest_ps: float = 0.0,
    frame: str = "as given",
) -> Transport:
    """Return conductivity, Onsager matrix and transport numbers of one run.

    Args:
        groups: name of a group → positions, shape (frames, ions, 3), Å, unwrapped, relative to
            the framework.
        charges_e: name of a group → charge of one ion, e.
        frame_step_ps: time between frames, ps.
        volume_cubic_angstrom: volume of the cell, Å³.
        temperature_k: temperature, K.
        diffusions: tracer D of the groups, named as they are, for Nernst–Einstein; the Haven
            ratio is unknown without.
        earliest_ps: the window starts no earlier than this, ps.
        frame: what the positions are relative to, in words.

    Raises:
        InputError: a charge is missing, the temperature or volume is not positive, or the run
            is too short.
    """
    names = tuple(groups)
    _check_inputs(names, charges_e, volume_cubic_angstrom, temperature_k)
    step_ps = checked_step(frame_step_ps)
    paths = np.stack([_path(groups[n], charges_e[n]) for n in names], axis=1)
    if len(paths) < LEAST_FRAMES:
        raise InputError(
            f"{len(paths)} frames give no collective slope; at least {LEAST_FRAMES} are needed."
        )
    unit = _siemens_per_cm(step_ps, volume_cubic_angstrom, temperature_k)
    total = paths.sum(axis=1)
    scale = float(np.abs(total).max())
    charges = np.array([charges_e[n] for n in names])
    parts = ion_conductivities(names, charges_e, diffusions, volume_cubic_angstrom, temperature_k)
    einstein = sum_conductivities(parts)
    if scale < 1e-9:
        return _make_motionless(names, charges, temperature_k, einstein, frame)
    least = max(1, round(earliest_ps / step_ps))
    windowed = choose_window(
        lambda lag: displacement_products(total, total, lag), len(paths), 3, least=least
    )
    slope = windowed.slope
    algebra = CollectiveSlopes(paths, slope)
    sigma = _withdraw_negative(_scale(slope, unit))
    matrix, errors = algebra.entries()
    return Transport(
        species=names,
        charges_e=charges,
        temperature_k=temperature_k,
        conductivity_s_cm=sigma,
        nernst_einstein_s_cm=einstein,
        haven_ratio=positive_ratio(einstein, sigma),
        onsager_s_cm=matrix * unit,
        onsager_error_s_cm=errors * unit,
        numbers=tuple(algebra.number(np.arange(len(names)) == i) for i in range(len(names))),
        cation_number=algebra.number(charges > 0.0),
        anion_number=algebra.number(charges < 0.0),
        einstein_numbers=conductivity_shares(parts),
        frame=frame,
        window_ps=(slope.start * step_ps, float(slope.lags[-1]) * step_ps),
        flags=() if windowed.confirmed else ("window_unconfirmed",),
    )


def _check_inputs(
    names: Sequence[str], charges_e: Mapping[str, float], volume: float, temperature_k: float
) -> None:
    missing = [n for n in names if n not in charges_e]
    if missing or not names:
        raise InputError(
            f"There is no charge for {', '.join(missing) or 'any ion'}; give one with "
            "--charges Li=1,S=-2,I=-1."
        )
    if not (np.isfinite(temperature_k) and temperature_k > 0.0):
        raise InputError(
            f"The temperature is {temperature_k} K; a conductivity needs one above 0. Give it "
            "with --temperature-k."
        )
    if not volume > 0.0:
        raise InputError(f"The volume of the cell is {volume} Å³; it must be over 0.")


def _scale(slope: Slope, unit: float) -> Measured:
    """A slope with its error and interval in another unit."""
    return Measured(
        value=slope.value * unit,
        error=slope.error * unit,
        low=slope.low * unit,
        high=slope.high * unit,
    )


def _withdraw_negative(sigma: Measured) -> Measured:
    """Withdraw a conductivity under zero, which only noise gives."""
    return sigma if sigma.value > 0.0 else replace(sigma, error=np.inf, low=min(sigma.low, 0.0))


def _path(positions: NDArray[np.float64], charge_e: float) -> NDArray[np.float64]:
    """Σ z r of one group, shape (frames, 3), e·Å, from 0."""
    array = checked_positions(positions)
    return np.asarray(charge_e * (array - array[0]).sum(axis=1))


def _siemens_per_cm(step_ps: float, volume: float, temperature_k: float) -> float:
    """(e·Å)² per frame and coordinate → S/cm."""
    per_second = (ELEMENTARY_CHARGE * 1e-10) ** 2 / (2.0 * step_ps * 1e-12)
    return float(per_second / (volume * 1e-30 * BOLTZMANN * temperature_k) * 1e-2)


def _make_motionless(
    names: tuple[str, ...],
    charges: NDArray[np.float64],
    temperature_k: float,
    einstein: Measured,
    frame: str,
) -> Transport:
    """A run in which no charge moves."""
    empty = np.full((len(names), len(names)), np.nan)
    return Transport(
        species=names,
        charges_e=charges,
        temperature_k=temperature_k,
        conductivity_s_cm=UNKNOWN,
        nernst_einstein_s_cm=einstein,
        haven_ratio=UNKNOWN,
        onsager_s_cm=empty,
        onsager_error_s_cm=np.full_like(empty, np.inf),
        numbers=(UNKNOWN,) * len(names),
        cation_number=UNKNOWN,
        anion_number=UNKNOWN,
        einstein_numbers=(UNKNOWN,) * len(names),
        frame=frame,
        window_ps=(np.nan, np.nan),
        flags=("no_motion",),
    )
