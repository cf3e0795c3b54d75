"""Removal of the drift of a declared immobile framework.

Which atoms hold still must be said: taking all atoms but the ion of interest, as is common,
makes lithium the frame of iodide. The default are the centres of the bound polyanions; where
there are none, the sublattice that moves least about its own mean, if it stays on its sites;
in a melt, the centre of mass of the cell, whose momentum a thermostat conserves. A cell of one
element has nothing to move against and is left in the frame of the simulation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.transport.motion.bonding import Polyanions
from dualion.structures.errors import InputError

CENTRE_OF_MASS = "centre of mass of the cell"
LABORATORY = "the simulation's own frame"

BARYCENTRIC = "declared: centre of mass of the cell (barycentric frame)"

NO_FRAMEWORK = "none"
"""Declared in place of an element to leave the drift in."""

MASS_FRAMEWORK = "mass"
"""Declared in place of an element to take the centre of mass."""

QUIET_ANGSTROM = 0.6
"""Root mean square displacement of a sublattice on its sites, at most, Å: a fifth of a
neighbour distance of 3 Å."""

QUIET_ATOMS = 3
"""Fewer atoms have a mean that follows them."""


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
    symbols: Sequence[str],
    polyanions: Polyanions,
    declared: Sequence[str] = (),
    positions: NDArray[np.float64] | None = None,
) -> Framework:
    """Pick the frame of reference.

    Args:
        symbols: chemical symbol of each atom.
        polyanions: the bound groups; their centres are the default.
        declared: immobile elements, as the user says, or ``none``, or ``mass``; empty
            takes the default.
        positions: shape (frames, n, 3), Å, unwrapped, to look for a quiet sublattice in.

    Raises:
        InputError: a declared element is not in the trajectory.
    """
    if tuple(declared) == (NO_FRAMEWORK,):
        return _make_laboratory()
    if tuple(declared) == (MASS_FRAMEWORK,):
        return _make_centre_of_mass(BARYCENTRIC, symbols)
    missing = sorted(set(declared) - set(symbols))
    if missing:
        raise InputError(
            f"{', '.join(missing)} is not in the trajectory, which holds "
            f"{', '.join(dict.fromkeys(symbols))}; declare a framework of these."
        )
    if declared:
        chosen = [i for i, s in enumerate(symbols) if s in declared]
        return _make_framework(f"declared: {', '.join(dict.fromkeys(declared))}", chosen)
    if len(polyanions.centres):
        centres = polyanions.centre_atoms.tolist()
        kinds = ", ".join(dict.fromkeys(symbols[i] for i in centres))
        return _make_framework(f"polyanion centres: {kinds}", centres)
    if len(set(symbols)) == 1:
        return _make_laboratory()
    quiet = "" if positions is None else _find_quietest(symbols, positions)
    if quiet:
        return _make_framework(
            f"quietest sublattice: {quiet}", [i for i, s in enumerate(symbols) if s == quiet]
        )
    return _make_centre_of_mass(CENTRE_OF_MASS, symbols)


def _make_laboratory() -> Framework:
    return Framework(name=LABORATORY, indices=np.empty(0, dtype=np.int64), weights=np.empty(0))


def _make_centre_of_mass(name: str, symbols: Sequence[str]) -> Framework:
    """All atoms, by their masses."""
    masses = atom_masses(symbols)
    return Framework(
        name=name,
        indices=np.arange(len(symbols), dtype=np.int64),
        weights=masses / masses.sum(),
    )


def atom_masses(symbols: Sequence[str]) -> NDArray[np.float64]:
    """Return the mass of each atom, shape (n,), u."""
    from ase.data import atomic_masses, atomic_numbers

    return np.array([atomic_masses[atomic_numbers[s]] for s in symbols])


def _make_framework(name: str, chosen: Sequence[int]) -> Framework:
    """A framework whose atoms count alike."""
    indices = np.array(chosen, dtype=np.int64)
    return Framework(name=name, indices=indices, weights=np.full(len(indices), 1.0 / len(indices)))


def _find_quietest(symbols: Sequence[str], positions: NDArray[np.float64]) -> str:
    """Element whose atoms move least about their common mean, or nothing in a melt.

    The second half of the run counts, with each atom's displacement from its place at the
    half, so that slow diffusion shows.
    """
    best, least = "", QUIET_ANGSTROM
    for symbol in dict.fromkeys(symbols):
        chosen = [i for i, s in enumerate(symbols) if s == symbol]
        if len(chosen) < QUIET_ATOMS:
            continue
        own = positions[len(positions) // 2 :, chosen]
        own = own - own.mean(axis=1, keepdims=True)
        moved = float(np.sqrt(((own - own.mean(axis=0)) ** 2).sum(axis=2).mean()))
        if moved < least:
            best, least = symbol, moved
    return best


def remove_drift(positions: NDArray[np.float64], framework: Framework) -> NDArray[np.float64]:
    """Return positions relative to the framework, which stays where it was in frame 1.

    Args:
        positions: shape (frames, n, 3), Å, unwrapped.
        framework: the frame of reference.
    """
    if not len(framework.indices):
        return positions
    held = positions[:, framework.indices]
    drift = np.einsum("tic,i->tc", held - held[0], framework.weights)
    return np.asarray(positions - drift[:, None, :])
