"""Mean squared displacement over all time origins.

MSD(k) = ⟨|r(t + k) − r(t)|²⟩ over every origin t and every ion, by the correlation theorem
(Calandrini et al., Collection SFN 12, 201 (2011), doi:10.1051/sfn/201112010): one Fourier
transform per coordinate in place of a double loop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from dualion.screening.transport._checks import checked_positions, checked_step, log_lags
from dualion.screening.transport.self_diffusion._msd_kernel import even_moments

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
    tensor = np.zeros((frames, 3, 3))
    for chunk in _chunks(array):
        _add_tensor(chunk, tensor)
    tensor /= ions
    return Msd(
        times_ps=np.asarray(np.arange(frames) * step_ps, dtype=np.float64),
        tensor=tensor,
        n_ions=ions,
        n_frames=frames,
    )


def _chunks(array: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    frames, ions, _ = array.shape
    size = max(1, CHUNK_NUMBERS // (3 * frames))
    return [array[:, start : start + size] for start in range(0, ions, size)]


def _add_tensor(chunk: NDArray[np.float64], tensor: NDArray[np.float64]) -> None:
    """Add the sum over the chunk's ions of the origin-averaged displacement tensor."""
    frames = chunk.shape[0]
    series = np.ascontiguousarray((chunk - chunk.mean(axis=0)).transpose(2, 1, 0))
    size = fft.next_fast_len(2 * frames, real=True)
    spectra = fft.rfft(series, n=size, axis=2)
    origins = frames - np.arange(frames)
    for a, b in PAIRS:
        power = (spectra[a] * spectra[b].conj()).real.sum(axis=0)
        correlation = fft.irfft(power, n=size)[:frames]
        products = (series[a] * series[b]).sum(axis=0)
        # Σ over origins of the products at both ends of the displacement.
        ends = np.cumsum(products[::-1])[::-1] + np.cumsum(products)[::-1]
        value = (ends - 2.0 * correlation) / origins
        value[0] = 0.0
        tensor[:, a, b] += value
        if a != b:
            tensor[:, b, a] += value


def msd_per_ion(
    positions: ArrayLike, frame_step_ps: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times, shape (frames,), ps, and the MSD of each ion, shape (frames, ions), Å².

    Raises:
        InputError: as ``mean_squared_displacement``.
    """
    array = checked_positions(positions)
    step_ps = checked_step(frame_step_ps)
    frames, ions, _ = array.shape
    result = np.empty((frames, ions))
    done = 0
    for chunk in _chunks(array):
        for ion in range(chunk.shape[1]):
            tensor = np.zeros((frames, 3, 3))
            _add_trace(chunk[:, ion : ion + 1], tensor)
            result[:, done] = tensor[:, 0, 0]
            done += 1
    return np.arange(frames, dtype=np.float64) * step_ps, result


def _add_trace(chunk: NDArray[np.float64], tensor: NDArray[np.float64]) -> None:
    """As ``_add_tensor``, the trace only, into the xx component."""
    frames = chunk.shape[0]
    series = np.ascontiguousarray((chunk - chunk.mean(axis=0)).reshape(frames, -1).T)
    size = fft.next_fast_len(2 * frames, real=True)
    spectra = fft.rfft(series, n=size, axis=1)
    correlation = fft.irfft((spectra * spectra.conj()).real.sum(axis=0), n=size)[:frames]
    products = (series * series).sum(axis=0)
    ends = np.cumsum(products[::-1])[::-1] + np.cumsum(products)[::-1]
    value = (ends - 2.0 * correlation) / (frames - np.arange(frames))
    value[0] = 0.0
    tensor[:, 0, 0] += value


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
