"""Trajectories from other libraries: arrays in, the frozen ``Trajectory`` out.

The time between frames is always the caller's: neither pymatgen nor MDAnalysis knows how many MD
steps lie between two frames, and MDAnalysis takes every DCD for CHARMM's and fills in 1 ps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from dualion.structures.errors import InputError
from dualion.structures.trajectories.array_files import stream_of_arrays
from dualion.structures.trajectories.assemble import assemble
from dualion.structures.trajectories.options import ReadOptions
from dualion.structures.trajectories.read import read_trajectory
from dualion.structures.trajectories.text import as_doubles
from dualion.structures.trajectories.types import Trajectory, UnreadableTrajectoryError

if TYPE_CHECKING:
    from ase import Atoms


def trajectory_from_arrays(
    positions: ArrayLike,
    cells: ArrayLike,
    symbols: Sequence[str],
    *,
    frame_step_ps: float,
    temperature_k: float = np.nan,
    fractional: bool = False,
    unwrapped: bool = False,
    energies_ev: ArrayLike | None = None,
    temperatures_k: ArrayLike | None = None,
    source: str = "arrays",
) -> Trajectory:
    """Check and unwrap a trajectory that is in memory.

    Args:
        positions: shape (frames, n, 3), Å, or fractional.
        cells: shape (3, 3) or (frames, 3, 3), Å; rows are the lattice vectors.
        symbols: chemical symbol of each atom, length n.
        frame_step_ps: time between two frames, ps.
        temperature_k: K, or NaN.
        fractional: whether positions are multiples of the lattice vectors.
        unwrapped: whether positions were never folded back into the cell; they are left alone.
        energies_ev: shape (frames,), potential energy, eV.
        temperatures_k: shape (frames,), instantaneous temperature, K.
        source: name of the simulation.

    Raises:
        InputError: the time between frames is not positive.
        UnreadableTrajectoryError: the shapes do not fit, or the atoms jump or are not finite.
    """
    if not 0.0 < frame_step_ps < np.inf:
        raise InputError(f"The time between frames is {frame_step_ps} ps; it must be over 0.")
    try:
        places, boxes = (as_doubles(a) for a in (positions, cells))
        series = [
            None if values is None else as_doubles(values)
            for values in (energies_ev, temperatures_k)
        ]
    except (TypeError, ValueError) as error:
        raise UnreadableTrajectoryError(
            f"{source}: positions and cells are no arrays of numbers ({error}).",
            reason="bad_arrays",
        ) from error
    stream = stream_of_arrays(
        "arrays",
        places,
        boxes,
        tuple(str(symbol) for symbol in symbols),
        name=source,
        fractional=fractional,
        unwrapped=unwrapped,
        energies_ev=series[0],
        temperatures_k=series[1],
    )
    options = ReadOptions(frame_step_ps=frame_step_ps, temperature_k=temperature_k)
    return assemble(stream, options, source=source)


def trajectory_from_pymatgen(
    trajectory: Any, *, frame_step_ps: float, temperature_k: float = np.nan
) -> Trajectory:
    """Convert a ``pymatgen.core.trajectory.Trajectory``.

    Args:
        trajectory: of structures; positions or displacements.
        frame_step_ps: time between two frames, ps; ``time_step`` is the MD step alone.
        temperature_k: K, or NaN.

    Raises:
        InputError: the time between frames is not positive.
        UnreadableTrajectoryError: it is of molecules, disordered, or the atoms jump.
    """
    if trajectory.lattice is None:
        raise UnreadableTrajectoryError(
            "The pymatgen trajectory has no lattice; motion in a crystal needs a cell.",
            reason="no_cell",
        )
    trajectory.to_positions()
    energies = [
        (properties or {}).get("e_wo_entrp", (properties or {}).get("energy", np.nan))
        for properties in trajectory.frame_properties or []
    ]
    return trajectory_from_arrays(
        trajectory.coords,
        trajectory.lattice,
        [_symbol(species) for species in trajectory.species],
        frame_step_ps=frame_step_ps,
        temperature_k=temperature_k,
        fractional=True,
        energies_ev=energies or None,
        source="pymatgen",
    )


def _symbol(species: Any) -> str:
    """Symbol of an element, ion or ordered composition of pymatgen."""
    elements = getattr(species, "elements", None)
    if elements is not None:
        if len(elements) != 1:
            raise UnreadableTrajectoryError(
                f"A site of the pymatgen trajectory holds {species}; it must be ordered.",
                reason="unknown_element",
            )
        species = elements[0]
    return str(getattr(species, "symbol", species))


def trajectory_from_mdanalysis(
    universe: Any,
    *,
    frame_step_ps: float,
    temperature_k: float = np.nan,
    symbols: Sequence[str] = (),
) -> Trajectory:
    """Convert the trajectory of an ``MDAnalysis.Universe`` or of an ``AtomGroup`` of one.

    Args:
        universe: whole, or the atoms that are wanted.
        frame_step_ps: time between two frames, ps; MDAnalysis guesses it for most formats.
        temperature_k: K, or NaN.
        symbols: chemical symbol of each atom, length n; empty takes ``elements``.

    Raises:
        InputError: the time between frames is not positive, or there are no elements.
        UnreadableTrajectoryError: there is no cell, or the atoms jump.
    """
    atoms = universe.atoms
    names = list(symbols) or [str(e).capitalize() for e in getattr(atoms, "elements", ())]
    if len(names) != len(atoms) or not all(names):
        raise InputError(
            f"The universe names {len(names)} elements for {len(atoms)} atoms; give symbols=."
        )
    positions, cells = [], []
    for step in atoms.universe.trajectory:
        if step.dimensions is None or not np.all(np.asarray(step.dimensions)[:3] > 0.0):
            raise UnreadableTrajectoryError(
                "The universe has no cell; motion in a crystal needs one.", reason="no_cell"
            )
        positions.append(np.array(atoms.positions, dtype=np.float64))
        cells.append(np.array(step.triclinic_dimensions, dtype=np.float64))
    return trajectory_from_arrays(
        np.array(positions),
        np.array(cells),
        names,
        frame_step_ps=frame_step_ps,
        temperature_k=temperature_k,
        source="MDAnalysis",
    )


def trajectory_from_ase(
    frames: Sequence[Atoms], *, frame_step_ps: float, temperature_k: float = np.nan
) -> Trajectory:
    """Convert a list of ASE ``Atoms``, such as ``ase.io.read(file, ":")`` gives.

    Args:
        frames: the frames in order, atoms in the same order in each.
        frame_step_ps: time between two frames, ps.
        temperature_k: K, or NaN.

    Raises:
        InputError: the time between frames is not positive.
        UnreadableTrajectoryError: the atoms are others from frame to frame, have no cell, or jump.
    """
    symbols = frames[0].get_chemical_symbols()
    if any(atoms.get_chemical_symbols() != symbols for atoms in frames):
        raise UnreadableTrajectoryError(
            "The frames hold other atoms, or in another order; sort them alike.",
            reason="atoms_change",
        )
    energies = [
        float((getattr(atoms.calc, "results", {}) or {}).get("energy", np.nan)) for atoms in frames
    ]
    return trajectory_from_arrays(
        np.array([atoms.positions for atoms in frames]),
        np.array([atoms.cell.array for atoms in frames]),
        symbols,
        frame_step_ps=frame_step_ps,
        temperature_k=temperature_k,
        energies_ev=energies,
        source="ASE",
    )


def as_trajectory(
    source: Any, *, frame_step_ps: float = np.nan, temperature_k: float = np.nan
) -> Trajectory:
    """Take a trajectory in any of the forms that a notebook holds.

    Args:
        source: a ``Trajectory``, a path, a list of ASE ``Atoms``, a pymatgen ``Trajectory``, or an
            MDAnalysis ``Universe`` or ``AtomGroup``.
        frame_step_ps: time between two frames, ps; a file may say it itself.
        temperature_k: K, or NaN.

    Raises:
        InputError: it is none of these, or the time between frames is missing.
        UnreadableTrajectoryError: it is damaged, or the atoms jump.
    """
    if isinstance(source, Trajectory):
        return source
    if isinstance(source, str | Path):
        options = ReadOptions(frame_step_ps=frame_step_ps, temperature_k=temperature_k)
        return read_trajectory(Path(source), options)
    for asked, convert in _CONVERTERS:
        if asked(source):
            if not np.isfinite(frame_step_ps):
                raise InputError(
                    "The time between frames is not known; give it as frame_step_ps "
                    "(MD time step times the steps between two frames, ps)."
                )
            return convert(source, frame_step_ps=frame_step_ps, temperature_k=temperature_k)
    raise InputError(
        f"A {type(source).__name__} is no trajectory; give a path, a list of ASE Atoms, a pymatgen "
        "Trajectory, an MDAnalysis Universe, or arrays through trajectory_from_arrays."
    )


def _is_ase(source: Any) -> bool:
    listed = isinstance(source, Sequence) and len(source) > 0
    return listed and hasattr(source[0], "get_chemical_symbols")


_CONVERTERS: tuple[tuple[Callable[[Any], bool], Callable[..., Trajectory]], ...] = (
    (_is_ase, trajectory_from_ase),
    (lambda source: hasattr(source, "frame_properties"), trajectory_from_pymatgen),
    (lambda source: hasattr(source, "atoms"), trajectory_from_mdanalysis),
)
"""How a foreign trajectory is known by what it can do, and what takes it."""
