"""A hop as folders of VASP with the VTST tools: 00 … n, the ends with inputs of their own.

Tags: https://theory.cm.utexas.edu/vtsttools/neb.html and https://www.vasp.at/wiki. The sets are
pymatgen's ``CINEBSet`` and ``MPRelaxSet``; they take seconds to import and are imported where they
are used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dualion.structures.errors import InputError
from dualion.workflows.execution.files import write_text
from dualion.workflows.md.engines.vasp_inputs import VaspSettings, check_vasp_settings, order_of
from dualion.workflows.md.engines.vasp_potentials import (
    find_library,
    join_potentials,
    library_files,
    quiet,
)
from dualion.workflows.neb.band import BandOptions
from dualion.workflows.neb.handover.hop_folder import HopFolder
from dualion.workflows.neb.handover.hop_images import HopImages, shifted_images, to_structure

if TYPE_CHECKING:
    from ase import Atoms

BAND_TAGS = ("IMAGES", "SPRING", "ICHAIN", "LCLIMB", "EDIFFG", "ISIF", "NELECT")
"""Tags that follow from the hop and the limits of its band."""
VALENCE = re.compile(r"ZVAL\s*=\s*([\d.]+)")
START = "start"
"""Name of the file that says from which ends the images were laid."""


def check_band_settings(settings: Mapping[str, Any]) -> VaspSettings:
    """Validate the settings.

    Raises:
        InputError: one is unknown, invalid, or follows from the hop.
    """
    found = check_vasp_settings(settings)
    decided = sorted(tag for tag in found.incar if tag.upper() in BAND_TAGS)
    if decided:
        raise InputError(
            f"Setting incar of vasp: {decided[0]} follows from the hop; change the options of the "
            "band (images, force, steps) instead."
        )
    return found


def write_vasp_hop(
    hop: HopImages, folder: HopFolder, options: BandOptions, settings: VaspSettings
) -> None:
    """Write the inputs of a hop: of the band into the folder, of both ends into theirs.

    Where a library of potentials is configured, POTCAR is written beside POTCAR.spec, and NELECT
    gives the cell the charge that the missing ion leaves.

    Args:
        hop: the images.
        folder: of the hop.
        options: limits of the band and its ends.
        settings: of VASP.

    Raises:
        InputError: the library lacks a potential.
    """
    folder.path.mkdir(parents=True, exist_ok=True)
    frames = in_vasp_order(hop.images())
    inputs = _band_set(frames, options, settings)
    elements = tuple(dict.fromkeys(frames[0].get_chemical_symbols()))
    with quiet():
        symbols = list(inputs.potcar_symbols)
    potentials = (
        library_files(elements, symbols, settings.potcar_functional) if find_library() else []
    )
    charged = _charge_tags(potentials, frames[0], hop.charge_e)
    last = f"{len(frames) - 1:02d}"
    for place, one in (
        (folder.path, inputs),
        *((folder.path / end, _end_set(frames[0], options, settings)) for end in ("00", last)),
    ):
        place.mkdir(exist_ok=True)
        with quiet():
            incar, kpoints = one.incar, str(one.kpoints)
        incar.update(charged)
        write_text(place / "INCAR", str(incar).rstrip() + "\n")
        write_text(place / "KPOINTS", kpoints.rstrip() + "\n")
        write_text(place / "POTCAR.spec", "\n".join(symbols) + "\n")
        if potentials:
            join_potentials(potentials, place / "POTCAR")
    write_poscars(folder, frames)
    folder.save(hop, engine="vasp", force_ev_angstrom=options.force_ev_angstrom)


def write_poscars(folder: HopFolder, frames: list[Atoms]) -> None:
    """Write POSCAR of each image.

    Args:
        folder: of the hop.
        frames: the images, in VASP's order of atoms.
    """
    from pymatgen.io.vasp.inputs import Poscar

    for number, frame in enumerate(frames):
        place = folder.path / f"{number:02d}"
        place.mkdir(exist_ok=True)
        with quiet():
            text = Poscar(to_structure(frame), comment=f"image {number}").get_str(
                significant_figures=12
            )
        write_text(place / "POSCAR", text)


def lay_between_relaxed_ends(folder: HopFolder, first: Atoms, last: Atoms) -> None:
    """Write the images anew, between ends that VASP has relaxed.

    Args:
        folder: of the hop.
        first, last: the relaxed ends, in VASP's order of atoms.
    """
    frames = in_vasp_order(folder.hop().images())
    write_poscars(folder, shifted_images(frames, first.positions, last.positions))
    write_text(folder.path / START, "relaxed ends\n")


def in_vasp_order(frames: list[Atoms]) -> list[Atoms]:
    """Return images with the atoms of an element together."""
    order = order_of(frames[0].get_chemical_symbols())
    return [frame[order] for frame in frames]


def in_our_order(frames: list[Atoms], symbols: list[str]) -> list[Atoms]:
    """Return images as they were before ``in_vasp_order``.

    Args:
        frames: in VASP's order of atoms.
        symbols: of the atoms in our order.
    """
    back = np.argsort(order_of(symbols), kind="stable")
    return [frame[back] for frame in frames]


def _band_set(frames: list[Atoms], options: BandOptions, settings: VaspSettings) -> Any:
    from pymatgen.io.vasp.sets import CINEBSet

    tags = {
        "SPRING": -options.spring_ev_square,
        "EDIFFG": -options.force_ev_angstrom,
        "NSW": options.most_steps,
        **_common_tags(settings),
    }
    with quiet():
        return CINEBSet(
            [to_structure(frame) for frame in frames],
            user_incar_settings=tags,
            user_potcar_settings=settings.potcars or {},
            user_potcar_functional=settings.potcar_functional,
        )


def _end_set(frame: Atoms, options: BandOptions, settings: VaspSettings) -> Any:
    from pymatgen.io.vasp.sets import MPRelaxSet

    tags = {
        "EDIFF": 5e-5,
        "EDIFFG": -options.end_force_ev_angstrom,
        "IBRION": 2,
        "ISIF": 2,
        "NSW": options.most_steps,
        "ALGO": "Normal",
        "LORBIT": 0,
        "LDAU": False,
        **_common_tags(settings),
    }
    with quiet():
        return MPRelaxSet(
            to_structure(frame),
            sort_structure=False,
            user_incar_settings=tags,
            user_potcar_settings=settings.potcars or {},
            user_potcar_functional=settings.potcar_functional,
        )


def _common_tags(settings: VaspSettings) -> dict[str, Any]:
    """Tags of band and ends: both need the same for their energies to compare."""
    own = {"ISMEAR": 0, "SIGMA": 0.05, "ISYM": 0, "LREAL": "Auto", "LWAVE": False, "LCHARG": False}
    return own | {tag.upper(): value for tag, value in settings.incar.items()}


def _charge_tags(potentials: list[Path], frame: Atoms, charge_e: float) -> dict[str, float]:
    """NELECT of the charged cell; nothing where the potentials are not known."""
    import gzip

    electrons = 0.0
    elements = frame.get_chemical_symbols()
    for element, path in zip(dict.fromkeys(elements), potentials, strict=bool(potentials)):
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as text:
            match = next((found for line in text if (found := VALENCE.search(line))), None)
        if match is None:
            raise InputError(f"{path} names no number of valence electrons (ZVAL).")
        electrons += float(match[1]) * elements.count(element)
    return {"NELECT": electrons - charge_e} if potentials else {}
