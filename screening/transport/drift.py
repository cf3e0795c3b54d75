"""Removal of the drift of a declared immobile framework.

Which atoms hold still must be said: taking all atoms but the ion of interest, as is common,
makes lithium the frame of iodide. The default are the centres of the bound polyanions; where
there are none, the centre of mass of the whole cell, whose momentum a thermostat conserves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.transport.bonding import Polyanions
from structures.errors import InputError

CENTRE_OF_MASS = "centre of mass of the cell"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Framework:
    """The frame of reference of all displacements.

    Attributes:
        name: what holds still, in words.
        indices: shape (k,), its atoms.
        weights: shape (k,), their weights in the mean, sum 1.
    """

    name: str
    indices: NDArray[np.int64]
    weights: NDArray[np.float64]


def choose_framework(
    symbols: Sequence[str], polyanions: Polyanions, declared: Sequence[str] = ()
) -> Framework:
    """Pick the frame of reference.

    Args:
        symbols: chemical symbol of each atom.
        polyanions: the bound groups; their centres are the default.
        declared: immobile elements, as the user says; empty takes the default.

    Raises:
        InputError: a declared element is not in the trajectory.
    """
    missing = sorted(set(declared) - set(symbols))
    if missing:
        raise InputError(
            f"{', '.join(missing)} is not in the trajectory, which holds "
            f"{', '.join(dict.fromkeys(symbols))}; declare a framework of these."
        )
    if declared:
        chosen = np.array([i for i, s in enumerate(symbols) if s in declared], dtype=np.int64)
        return Framework(
            name=f"declared: {', '.join(dict.fromkeys(declared))}",
            indices=chosen,
            weights=np.full(len(chosen), 1.0 / len(chosen)),
        )
    if len(polyanions.centres):
        centres = polyanions.centre_atoms
        kinds = ", ".join(dict.fromkeys(symbols[i] for i in centres))
        return Framework(
            name=f"polyanion centres: {kinds}",
            indices=centres,
            weights=np.full(len(centres), 1.0 / len(centres)),
        )
    from ase.data import atomic_masses, atomic_numbers

    masses = np.array([atomic_masses[atomic_numbers[s]] for s in symbols])
    return Framework(
        name=CENTRE_OF_MASS,
        indices=np.arange(len(symbols), dtype=np.int64),
        weights=masses / masses.sum(),
    )


def remove_drift(positions: NDArray[np.float64], framework: Framework) -> NDArray[np.float64]:
    """Return positions relative to the framework, which stays where it was in frame 1.

    Args:
        positions: shape (frames, n, 3), Å, unwrapped.
        framework: the frame of reference.
    """
    held = positions[:, framework.indices]
    drift = np.einsum("tic,i->tc", held - held[0], framework.weights)
    return np.asarray(positions - drift[:, None, :])
