"""Read what CP2K has found of a band: energies, forces and places of its images.

CP2K 2023.1 prints no summary of convergence: the residual force is that of ASE's band on its
forces.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.mep import NEB
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.workflows.neb.band import Band
from dualion.workflows.neb.handover.cp2k_hop import FORCE_UNIT, OUTPUT, PROJECT
from dualion.workflows.neb.handover.hop_folder import HopFolder, NotComputedError, band_of
from dualion.workflows.neb.handover.hop_images import unwrapped

if TYPE_CHECKING:
    from ase import Atoms

Floats = NDArray[np.float64]
LARGEST_BYTES = 2_000_000_000
LARGEST_IMAGE_BYTES = 500_000_000
ENDED = "PROGRAM ENDED AT"
BEGIN = "NEB| Computing Energies and Forces"
STEP = re.compile(r"STEP NUMBER\s*=\s*(\d+)")
REPLICA = re.compile(r"NEB\| REPLICA Nr\.\s*\d+- Energy and Forces")
ENERGY = re.compile(r"NEB\|\s+Total energy:\s+(-?[\d.]+)")
FORCE = re.compile(r"NEB\|\s+[A-Z]\w*\s+(-?\d+\.\d+)\s+(-?\d+\.\d+)\s+(-?\d+\.\d+)\s*$")


@dataclass(slots=True)
class _Printed:
    """What the output says.

    Attributes:
        ended: whether CP2K ended by itself.
        steps: number of the last step.
        energies: of each image in the last evaluation, Hartree.
        forces: of each image, a row an atom, Hartree/bohr.
    """

    ended: bool = False
    steps: int = 0
    energies: list[float] = field(default_factory=list)
    forces: list[list[list[float]]] = field(default_factory=list)


def read_cp2k_hop(folder: HopFolder) -> Band:
    """Read the last step of a band.

    Args:
        folder: of the hop.

    Raises:
        InputError: the files hold another number of images, or are damaged.
        NotComputedError: CP2K has not been run, or has not ended.
    """
    hop = folder.hop()
    output = folder.path / OUTPUT
    if not output.is_file():
        raise NotComputedError(f"{folder.path} is not computed yet: run CP2K in it.")
    printed = _read_output(output)
    if not printed.ended:
        raise NotComputedError(f"{output} does not end: CP2K still runs, or was stopped.")
    if not printed.energies:
        raise NotComputedError(f"{output} holds no step of a band: CP2K ended before the first.")
    if len(printed.energies) != len(hop.frames):
        raise InputError(
            f"{output} holds {len(printed.energies)} images; {len(hop.frames)} were handed over."
        )
    if any(len(rows) != len(hop.frames[0]) for rows in printed.forces):
        raise InputError(f"{output} is damaged: an image has not a force for each atom.")
    images = [
        _last_frame(folder.path / f"{PROJECT}-pos-Replica_nr_{number}-1.xyz", frame)
        for number, frame in enumerate(hop.frames, start=1)
    ]
    images = unwrapped(images)
    energies = [energy * units.Hartree for energy in printed.energies]
    return band_of(
        images,
        energies,
        force_ev_angstrom=residual_force(images, energies, np.array(printed.forces) * FORCE_UNIT),
        limit=float(folder.about()["force_ev_angstrom"]),
        steps=printed.steps,
    )


def residual_force(images: Sequence[Atoms], energies_ev: Sequence[float], forces: Floats) -> float:
    """Largest force that a climbing-image band leaves on an atom, of its ends too, eV/Å.

    Args:
        images: of the band.
        energies_ev: their energies, eV.
        forces: shape (i, n, 3), of the electronic structure alone, eV/Å.
    """
    band = [image.copy() for image in images]
    for image, energy, rows in zip(band, energies_ev, forces, strict=True):
        image.calc = SinglePointCalculator(image, energy=energy, forces=rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inner = NEB(band, climb=True, k=0.0, method="improvedtangent").get_forces()
    every = np.concatenate([forces[0], inner.reshape(-1, 3), forces[-1]])
    return float(np.linalg.norm(every, axis=1).max())


def _read_output(path: Path) -> _Printed:
    found = _Printed()
    for line in _lines(path):
        if BEGIN in line:
            found.energies, found.forces = [], []
        elif REPLICA.search(line):
            found.forces.append([])
        elif match := ENERGY.search(line):
            found.energies.append(float(match[1]))
        elif found.forces and (match := FORCE.search(line)):
            found.forces[-1].append([float(number) for number in match.groups()])
        elif match := STEP.search(line):
            found.steps = int(match[1])
        found.ended = found.ended or ENDED in line
    return found


def _lines(path: Path) -> Iterator[str]:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputError(f"{path} is too large for the output of a band.")
        with path.open(encoding="utf-8", errors="replace") as lines:
            yield from lines
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error


def _last_frame(path: Path, like: Atoms) -> Atoms:
    """Last positions of an image.

    Raises:
        InputError: the file is missing, damaged, or holds other atoms.
    """
    if not path.is_file():
        raise InputError(f"The image {path} is missing.")
    lines = _tail(path, len(like))
    rows = [line.split() for line in lines]
    try:
        symbols = [row[0] for row in rows]
        positions = [[float(word) for word in row[1:4]] for row in rows]
    except (ValueError, IndexError) as error:
        raise InputError(f"{path} is damaged: {error}.") from error
    if symbols != like.get_chemical_symbols() or any(len(place) != 3 for place in positions):
        raise InputError(f"{path} holds other atoms than were handed over.")
    image = like.copy()
    image.positions = positions
    return image


def _tail(path: Path, count: int) -> list[str]:
    if path.stat().st_size > LARGEST_IMAGE_BYTES:
        raise InputError(f"{path} is too large for the places of an image.")
    return path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
