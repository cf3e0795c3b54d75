"""Assignment of ions to sites. numba and numpy only, no validation."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray


@nb.njit(cache=True, nogil=True)
def assign_sites(
    fractional: NDArray[np.float64],
    sites: NDArray[np.float64],
    cell: NDArray[np.float64],
    core_squared: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Follow each ion from the core of one site to the core of the next.

    Between cores an ion keeps the site that it was in last, so that rattling at an edge is no
    jump. An ion looks at its last site first and only then at all others.

    Args:
        fractional: shape (frames, ions, 3), unwrapped.
        sites: shape (s, 3), fractional.
        cell: shape (3, 3), Å.
        core_squared: shape (s,), squared core radii, Å²; cores do not overlap.

    Returns:
        Shape (frames, ions), site index, −1 before the first core is reached; shape
        (frames, ions, 3), the cell in which that copy of the site lies.
    """
    frames, ions, _ = fractional.shape
    n_sites = len(sites)
    out = np.full((frames, ions), -1, dtype=np.int64)
    images = np.zeros((frames, ions, 3), dtype=np.int32)
    for i in range(ions):
        last = -1
        p = q = r = 0.0
        for t in range(frames):
            for turn in range(n_sites + 1):
                if turn == 0:
                    if last < 0:
                        continue
                    s = last
                else:
                    s = turn - 1
                    if s == last:
                        continue
                a = fractional[t, i, 0] - sites[s, 0]
                b = fractional[t, i, 1] - sites[s, 1]
                c = fractional[t, i, 2] - sites[s, 2]
                u, v, w = np.rint(a), np.rint(b), np.rint(c)
                a -= u
                b -= v
                c -= w
                x = a * cell[0, 0] + b * cell[1, 0] + c * cell[2, 0]
                y = a * cell[0, 1] + b * cell[1, 1] + c * cell[2, 1]
                z = a * cell[0, 2] + b * cell[1, 2] + c * cell[2, 2]
                if x * x + y * y + z * z < core_squared[s]:
                    last = s
                    p, q, r = u, v, w
                    break
            out[t, i] = last
            images[t, i, 0] = np.int32(p)
            images[t, i, 1] = np.int32(q)
            images[t, i, 2] = np.int32(r)
    return out, images
