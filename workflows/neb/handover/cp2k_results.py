"""Read what CP2K has found of a band: its energies, images and convergence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ase import units

from dualion.structures.errors import InputError
from dualion.workflows.neb.band import Band
from dualion.workflows.neb.handover.cp2k_hop import FORCE_UNIT, OUTPUT, PROJECT
from dualion.workflows.neb.handover.hop_folder import HopFolder, NotComputedError, band_of
from dualion.workflows.neb.handover.hop_images import unwrapped

if TYPE_CHECKING:
    from ase import Atoms

LARGEST_BYTES = 500_000_000
ENDED = "PROGRAM ENDED AT"
MAX_FORCE = re.compile(r"MAX FORCE\s*=\s*([-\d.Ee+]+)")


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
    text = _read(output)
    if ENDED not in text:
        raise NotComputedError(f"{output} does not end: CP2K still runs, or was stopped.")
    steps, energies = _energies(folder.path / f"{PROJECT}-1.ener", len(hop.frames))
    forces = MAX_FORCE.findall(text)
    if not forces:
        raise InputError(f"{output} names no forces of a band; was it run with {PROJECT}.inp?")
    images = [
        _last_frame(folder.path / f"{PROJECT}-pos-Replica_nr_{number}-1.xyz", frame)
        for number, frame in enumerate(hop.frames, start=1)
    ]
    return band_of(
        unwrapped(images),
        [energy * units.Hartree for energy in energies],
        force_ev_angstrom=float(forces[-1]) * FORCE_UNIT,
        limit=float(folder.about()["force_ev_angstrom"]),
        steps=steps,
    )


def _energies(path: Path, images: int) -> tuple[int, list[float]]:
    """Steps and energies of the last one, Hartree.

    Raises:
        InputError: the file is of another band, or damaged.
        NotComputedError: there is no step.
    """
    if not path.is_file():
        raise NotComputedError(f"{path} is missing: CP2K ended before the first step of the band.")
    rows = [line.split() for line in _read(path).splitlines() if line.strip()]
    # A row is the step, an energy for each image and a distance for each pair of neighbours.
    if not rows or len(rows[-1]) != 2 * images:
        found = len(rows[-1]) // 2 if rows else 0
        raise InputError(f"{path} holds {found} images; {images} were handed over.")
    try:
        return int(rows[-1][0]), [float(word) for word in rows[-1][1 : images + 1]]
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}.") from error


def _last_frame(path: Path, like: Atoms) -> Atoms:
    """Last positions of an image.

    Raises:
        InputError: the file is missing, damaged, or holds other atoms.
    """
    if not path.is_file():
        raise InputError(f"The image {path} is missing.")
    lines = _read(path).splitlines()[-len(like) :]
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


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputError(f"{path} is too large for a band's output.")
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error
