"""Mean squared displacement over all time origins.

MSD(k) = ⟨|r(t + k) − r(t)|²⟩ over every origin t and every ion, by the correlation theorem
(Calandrini et al., Collection SFN 12, 201 (2011), doi:10.1051/sfn/201112010): one Fourier
transform per coordinate in place of a double loop. Every average over all lags comes from here;
what needs the displacements of each origin (scatter of stretches, fourth moments) sums them
directly, at single lags, in ``_displacement_kernel``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from dualion.screening.transport._checks import checked_positions, checked_step, log_lags
from dualion.screening.transport.self_diffusion._displacement_kernel import even_moments

CHUNK_NUMBERS = 100_000
"""Coordinates transformed at once; their spectra (1.6 MB) stay in the processor's cache."""

PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
"""Order of tensor components: xx, yy, zz, yz, xz, xy (Voigt)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Msd:
    """Mean squared displacement of one set of ions.

    Attributes:
        times_ps: shape (lags,), ps, from 0.
        tensor: shape (lags, 3, 3), Å²; ⟨Δ_a Δ_b⟩ averaged over ions and origins.
        n_ions: number of ions averaged over.
        n_frames: number of frames.
    """

    times_ps: NDArray[np.float64]
    tensor: NDArray[np.float64]
    n_ions: int
    n_frames: int

    @property
    def total(self) -> NDArray[np.float64]:
        """Trace of the tensor, shape (lags,), Å²."""
        return np.asarray(np.trace(self.tensor, axis1=1, axis2=2))

    @property
    def directions(self) -> NDArray[np.float64]:
        """Diagonal of the tensor, shape (lags, 3), Å²."""
        return np.asarray(np.diagonal(self.tensor, axis1=1, axis2=2))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MotionShape:
    """How the displacements are spread, on lags that are even on a log axis.

    Attributes:
        times_ps: shape (m,), ps.
        log_slope: shape (m,), d ln MSD / d ln t: 2 ballistic, 1 diffusive, 0 caged.
        non_gaussian: shape (m,), α₂ = 3⟨r⁴⟩ / (5⟨r²⟩²) − 1 (Rahman, Phys. Rev. 136, A405
            (1964), doi:10.1103/PhysRev.136.A405); 0 for a Gaussian walk, 3/(5n) after n jumps.
    """

    times_ps: NDArray[np.float64]
    log_slope: NDArray[np.float64]
    non_gaussian: NDArray[np.float64]


def mean_squared_displacement(positions: ArrayLike, frame_step_ps: float) -> Msd:
    """Return the MSD tensor of a set of ions over all time origins and all lags.

    Args:
        positions: shape (frames, ions, 3), Å, unwrapped.
        frame_step_ps: time between frames, ps.

    Raises:
        InputError: the positions have a wrong shape or hold a number that is not finite.
    """
    array = checked_positions(positions)
    step_ps = checked_step(frame_step_ps)
    frames, ions, _ = array.shape
    power = np.zeros((len(PAIRS), _padded(frames) // 2 + 1))
    products = np.zeros((len(PAIRS), frames))
    for series in _chunks(array):
        spectra = fft.rfft(series, n=_padded(frames), axis=2)
        for number, (a, b) in enumerate(PAIRS):
            power[number] += _cross_power(spectra[a], spectra[b]).sum(axis=0)
            products[number] += np.einsum("it,it->t", series[a], series[b])
    averages = _average_over_origins(power, products) / ions
    tensor = np.empty((frames, 3, 3))
    for (a, b), values in zip(PAIRS, averages, strict=True):
        tensor[:, a, b] = tensor[:, b, a] = values
    return Msd(
        times_ps=np.asarray(np.arange(frames) * step_ps, dtype=np.float64),
        tensor=tensor,
        n_ions=ions,
        n_frames=frames,
    )


def msd_per_ion(
    positions: ArrayLike, frame_step_ps: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times, shape (frames,), ps, and the MSD of each ion, shape (frames, ions), Å².

    Args:
        positions: shape (frames, ions, 3), Å, unwrapped.
        frame_step_ps: time between frames, ps.

    Raises:
        InputError: as ``mean_squared_displacement``.
    """
    array = checked_positions(positions)
    step_ps = checked_step(frame_step_ps)
    frames, ions, _ = array.shape
    result = np.empty((frames, ions))
    done = 0
    for series in _chunks(array):
        spectra = fft.rfft(series, n=_padded(frames), axis=2)
        power = _cross_power(spectra, spectra).sum(axis=0)
        products = np.einsum("cit,cit->it", series, series)
        result[:, done : done + len(power)] = _average_over_origins(power, products).T
        done += len(power)
    return np.arange(frames, dtype=np.float64) * step_ps, result


def _chunks(array: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Series of a few ions at a time about their means, shape (3, ions, frames), Å."""
    frames, ions, _ = array.shape
    size = max(1, CHUNK_NUMBERS // (3 * frames))
    for start in range(0, ions, size):
        chunk = array[:, start : start + size]
        yield np.ascontiguousarray((chunk - chunk.mean(axis=0)).transpose(2, 1, 0))


def _padded(frames: int) -> int:
    """Length of a series with so many zeros that its correlation does not wrap around."""
    return int(fft.next_fast_len(2 * frames, real=True))


def _cross_power(one: NDArray[np.complex128], other: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Real part of one spectrum times the other's conjugate."""
    return np.asarray(one.real * other.real + one.imag * other.imag)


def _average_over_origins(
    power: NDArray[np.float64], products: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Average of Δa·Δb over all time origins, for every lag.

    Σ (a' − a)(b' − b) over the origins is the sum of the products at both ends of the
    displacements less twice the symmetric part of the correlation of a and b.

    Args:
        power: shape (…, frequencies), cross power of the zero-padded series a and b.
        products: shape (…, frames), a·b at each frame.

    Returns:
        Shape (…, lags), as many lags as frames.
    """
    frames = products.shape[-1]
    correlation = fft.irfft(power, n=_padded(frames), axis=-1)[..., :frames]
    late = np.cumsum(products[..., ::-1], axis=-1)[..., ::-1]
    early = np.cumsum(products, axis=-1)[..., ::-1]
    averages = (late + early - 2.0 * correlation) / (frames - np.arange(frames))
    averages[..., 0] = 0.0
    return np.asarray(averages)


def collective_positions(
    positions: ArrayLike, charges_e: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return Σ_i z_i r_i as the path of one coordinate, shape (frames, 1, 3), e·Å.

    Its MSD is the collective (charge) displacement whose slope is the conductivity.

    Args:
        positions: shape (frames, ions, 3), Å, unwrapped.
        charges_e: shape (ions,), e; ones where not given.
    """
    array = checked_positions(positions)
    weights = np.ones(array.shape[1]) if charges_e is None else np.asarray(charges_e, float)
    moved = array - array[0]
    return np.ascontiguousarray(np.einsum("tic,i->tc", moved, weights)[:, None, :])


def motion_shape(positions: ArrayLike, msd: Msd, stride: int = 1) -> MotionShape:
    """Return local slope and non-Gaussian parameter of a set of ions.

    Args:
        positions: shape (frames, ions, 3), Å, as the MSD was made from.
        msd: the MSD of these positions.
        stride: take one time origin of so many for the fourth moment.
    """
    array = checked_positions(positions)
    lags = log_lags(msd.n_frames, 40)
    values = np.maximum(msd.total[lags], 1e-300)
    slope = (
        np.gradient(np.log(values), np.log(msd.times_ps[lags]))
        if len(lags) > 1
        else np.full(1, np.nan)
    )
    moments = [even_moments(array, int(lag), stride) for lag in lags]
    alpha = [
        3.0 * fourth / (5.0 * second**2) - 1.0 if second > 1e-12 else 0.0
        for second, fourth in moments
    ]
    return MotionShape(times_ps=msd.times_ps[lags], log_slope=slope, non_gaussian=np.array(alpha))
