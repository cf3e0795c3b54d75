"""Direction of motion: displacement tensors of single ions, principal axes, anisotropy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from dualion.screening.transport._checks import checked_positions
from dualion.screening.transport.self_diffusion._displacement_kernel import ion_tensor_sums
from dualion.screening.transport.self_diffusion.coefficient import Diffusion
from dualion.structures.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Anisotropy:
    """How a diffusion tensor differs between directions.

    Attributes:
        principal_cm2_s: shape (3,), principal D, cm²/s, falling.
        errors_cm2_s: shape (3,), their standard errors, cm²/s.
        axes: shape (3, 3), unit vectors of the principal axes as rows, Cartesian.
        fractional: 0 for an isotropic tensor, 1 for motion along one line; above 1 only where
            noise makes a principal D negative.
        fractional_from_noise: what the errors alone give an isotropic tensor on average.
        isotropic_chance: probability of differences between directions this large or larger
            if D is isotropic.
    """

    principal_cm2_s: NDArray[np.float64]
    errors_cm2_s: NDArray[np.float64]
    axes: NDArray[np.float64]
    fractional: float
    fractional_from_noise: float
    isotropic_chance: float


def ion_tensors(positions: ArrayLike, lag: int) -> NDArray[np.float64]:
    """Return the displacement tensor of each ion over all time origins, shape (ions, 3, 3), Å².

    Args:
        positions: shape (frames, ions, 3), Å, unwrapped.
        lag: frames between the two ends.

    Raises:
        InputError: wrong shape, a number that is not finite, or a lag beyond the run.
    """
    array = checked_positions(positions)
    if not 0 < lag < len(array):
        raise InputError(f"A lag of {lag} frames does not fit into {len(array)} frames.")
    return np.asarray(ion_tensor_sums(array, lag) / (len(array) - lag))


def fractional_anisotropy(tensor: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return √(3/2) |T − tr T/3| / |T| of tensors of shape (…, 3, 3); 0 for none.

    Basser and Pierpaoli, J. Magn. Reson. B 111, 209 (1996), doi:10.1006/jmrb.1996.0086.
    """
    mean = np.trace(tensor, axis1=-2, axis2=-1)[..., None, None] / 3.0 * np.eye(3)
    size = np.linalg.norm(tensor, axis=(-2, -1))
    part = np.sqrt(1.5) * np.linalg.norm(tensor - mean, axis=(-2, -1))
    return np.asarray(np.divide(part, size, out=np.zeros_like(size), where=size > 0.0))


def anisotropy(found: Diffusion) -> Anisotropy:
    """Return the principal D with errors, and whether the directions differ beyond chance.

    The errors of the principal values are those of first-order perturbation. The differences
    between directions are five numbers; their sum of squares over the errors follows F with the
    degrees of freedom of the errors.
    """
    tensor, error = found.tensor_cm2_s, found.tensor_error_cm2_s
    values, axes = found.principal_axes
    if not (np.isfinite(tensor).all() and np.isfinite(error).all() and (error > 0.0).all()):
        return Anisotropy(
            principal_cm2_s=values,
            errors_cm2_s=np.full(3, np.inf),
            axes=axes,
            fractional=np.nan,
            fractional_from_noise=np.nan,
            isotropic_chance=np.nan,
        )
    variance = error**2
    weights = axes[:, :, None] * axes[:, None, :]
    # Each off-diagonal error belongs to both of its entries.
    doubled = np.where(np.eye(3, dtype=bool), variance, 2.0 * variance)
    noise = _deviatoric_noise(variance) / float((tensor**2).sum())
    return Anisotropy(
        principal_cm2_s=values,
        errors_cm2_s=np.sqrt((weights**2 * doubled).sum(axis=(1, 2))),
        axes=axes,
        fractional=float(fractional_anisotropy(tensor)),
        fractional_from_noise=float(min(1.0, np.sqrt(1.5 * noise))),
        isotropic_chance=_isotropic_chance(tensor, variance, found.tensor_dof),
    )


def _deviatoric_noise(variance: NDArray[np.float64]) -> float:
    """Mean of |T − tr T/3|² of an isotropic tensor whose entries have these variances."""
    return float(2.0 / 3.0 * np.trace(variance) + variance.sum() - np.trace(variance))


def _isotropic_chance(
    tensor: NDArray[np.float64], variance: NDArray[np.float64], dof: float
) -> float:
    diagonal, own = np.diag(tensor), np.diag(variance)
    mean = np.average(diagonal, weights=1.0 / own)
    upper = np.triu_indices(3, 1)
    squares = ((diagonal - mean) ** 2 / own).sum() + (tensor[upper] ** 2 / variance[upper]).sum()
    return float(stats.f.sf(squares / 5.0, 5.0, max(dof, 1.0)))
