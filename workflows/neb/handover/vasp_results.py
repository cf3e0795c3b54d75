"""Read what VASP has found of a hop, through pymatgen's ``NEBAnalysis``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualion.structures.errors import InputError
from dualion.workflows.md.engines.vasp_potentials import quiet
from dualion.workflows.neb.band import Band
from dualion.workflows.neb.handover.hop_folder import HopFolder, NotComputedError, band_of
from dualion.workflows.neb.handover.vasp_hop import START, in_our_order, lay_between_relaxed_ends

if TYPE_CHECKING:
    from ase import Atoms

LARGEST_BYTES = 2_000_000_000
FORCES = re.compile(r"FORCES: max atom, RMS\s+([\d.Ee+-]+)")
FINISHED = "General timing and accounting"
REACHED = "reached required accuracy"


def read_vasp_hop(folder: HopFolder) -> Band:
    """Read a hop that VASP has computed; where the ends alone are relaxed, lay the images between.

    Args:
        folder: of the hop.

    Raises:
        InputError: the folder holds another number of images, or a file is damaged.
        NotComputedError: something is not computed yet; the message says what is to be run.
    """
    hop = folder.hop()
    places = _image_folders(folder.path, len(hop.frames))
    ends = (places[0], places[-1])
    for place in ends:
        _require_end(place)
    if not (folder.path / START).is_file():
        first, last = (_read_cell(place / "CONTCAR") for place in ends)
        lay_between_relaxed_ends(folder, first, last)
    if not any((place / "OUTCAR").is_file() for place in places[1:-1]):
        raise NotComputedError(
            f"Both ends are relaxed, and the images lie between them; run VASP in {folder.path}."
        )
    forces, steps = zip(*(_require_image(place) for place in places[1:-1]), strict=True)
    energies, frames = _analysed(folder.path)
    return band_of(
        in_our_order(frames, hop.frames[0].get_chemical_symbols()),
        energies,
        force_ev_angstrom=max(forces),
        limit=float(folder.about()["force_ev_angstrom"]),
        steps=max(steps),
    )


def _image_folders(path: Path, wanted: int) -> list[Path]:
    found = sorted(
        (one for one in path.iterdir() if one.is_dir() and one.name.isdigit()), key=_number
    )
    if [_number(one) for one in found] != list(range(wanted)):
        raise InputError(
            f"{path} holds the images {', '.join(one.name for one in found) or 'none'}; it was "
            f"written with {wanted}, 00 to {wanted - 1:02d}. Put the missing ones back, or delete "
            "the folder, and write the hop again."
        )
    return found


def _number(path: Path) -> int:
    return int(path.name)


def _require_end(place: Path) -> None:
    """Refuse an end that is not relaxed.

    Raises:
        NotComputedError: there is no finished OUTCAR.
    """
    outcar = place / "OUTCAR"
    if not outcar.is_file():
        raise NotComputedError(f"The end {place} is not relaxed yet: run VASP in it.")
    text = _tail(outcar)
    if FINISHED not in text:
        raise NotComputedError(f"The relaxation of the end {place} is not finished.")
    if REACHED not in text:
        raise NotComputedError(
            f"The relaxation of the end {place} stopped before its force limit: copy its CONTCAR "
            "over POSCAR, and run VASP in it again."
        )


def _require_image(place: Path) -> tuple[float, int]:
    """Return largest force, eV/Å, and steps of an image.

    Raises:
        NotComputedError: its OUTCAR is missing or not finished.
        InputError: it holds no forces.
    """
    outcar = place / "OUTCAR"
    if not outcar.is_file():
        raise NotComputedError(f"The image {place} has no OUTCAR: VASP has not computed it.")
    with _opened(outcar) as lines:
        forces, finished = [], False
        for line in lines:
            if match := FORCES.search(line):
                forces.append(float(match[1]))
            finished = finished or FINISHED in line
    if not finished:
        raise NotComputedError(
            f"The image {place} is not finished after {len(forces)} steps: VASP still runs, or was "
            "stopped."
        )
    if not forces:
        raise InputError(
            f"{outcar} names no forces of a band (FORCES: max atom, RMS); is this VASP built with "
            "the VTST tools?"
        )
    return forces[-1], len(forces)


def _analysed(path: Path) -> tuple[list[float], list[Atoms]]:
    """Energies, eV, and images, in VASP's order of atoms.

    Raises:
        InputError: a file is damaged.
    """
    from pymatgen.analysis.transition_state import NEBAnalysis
    from pymatgen.io.ase import AseAtomsAdaptor

    from dualion.workflows.neb.handover.hop_images import unwrapped

    try:
        with quiet():
            found = NEBAnalysis.from_dir(path)
            frames = [AseAtomsAdaptor.get_atoms(one, msonable=False) for one in found.structures]
    except Exception as error:
        raise InputError(
            f"The outputs of VASP in {path} cannot be read: {' '.join(str(error).split())[:200]}"
        ) from error
    return [float(energy) for energy in found.energies], unwrapped(frames)


def _read_cell(path: Path) -> Atoms:
    from ase.io import read

    try:
        found = read(path, format="vasp")
    except Exception as error:
        raise InputError(f"{path} is damaged or missing; run VASP in its folder again.") from error
    return found[0] if isinstance(found, list) else found


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - 20_000))
        return file.read().decode(errors="replace")


def _opened(path: Path) -> Any:
    if path.stat().st_size > LARGEST_BYTES:
        raise InputError(f"{path} is too large to be an OUTCAR of a band.")
    return path.open(encoding="utf-8", errors="replace")
