"""A hop as a BAND input of CP2K, with the electrons, basis sets and potentials of the MD engine.

Keywords: https://manual.cp2k.org (MOTION/BAND). Springs and forces of the input are in atomic
units; ends are relaxed with the band.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ase import units
from ase.calculators.cp2k import InputSection

from dualion.workflows.execution.files import write_text
from dualion.workflows.md.engines.cp2k_data import Kind
from dualion.workflows.md.engines.cp2k_input import (
    Cp2kSettings,
    parse_sections,
    set_defaults,
    set_electrons,
    set_keywords,
    set_subsystem,
)
from dualion.workflows.neb.band import BandOptions
from dualion.workflows.neb.handover.hop_folder import HopFolder
from dualion.workflows.neb.handover.hop_images import HopImages

if TYPE_CHECKING:
    from ase import Atoms

PROJECT, INPUT, OUTPUT = "neb", "neb.inp", "neb.out"
FORCE_UNIT = units.Hartree / units.Bohr
"""eV/Å of an atomic unit of force."""
SPRING_UNIT = units.Hartree / units.Bohr**2
MOST_DISPLACEMENT_BOHR = 0.01
"""Largest step of a converged band; the force decides, this keeps one small step from deciding."""


def write_cp2k_hop(
    hop: HopImages,
    folder: HopFolder,
    options: BandOptions,
    settings: Cp2kSettings,
    kinds: Sequence[Kind],
) -> None:
    """Write ``neb.inp`` and the images.

    Args:
        hop: the images.
        folder: of the hop.
        options: limits of the band.
        settings: of CP2K.
        kinds: basis and potential of each element.

    Raises:
        InputError: a setting is invalid.
    """
    frames = hop.images()
    folder.path.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames):
        write_text(folder.path / _image_name(number), _plain_xyz(frame))
    write_text(folder.path / INPUT, format_band_input(hop, options, settings, kinds))
    folder.save(hop, engine="cp2k", force_ev_angstrom=options.force_ev_angstrom)


def format_band_input(
    hop: HopImages, options: BandOptions, settings: Cp2kSettings, kinds: Sequence[Kind]
) -> str:
    """Format the input of a climbing-image band.

    Args:
        hop: the images.
        options: limits of the band.
        settings: of CP2K; sections of its ``input`` take precedence where the band allows.
        kinds: basis and potential of each element.
    """
    root = parse_sections(settings.input)
    set_keywords(root, "GLOBAL", f"PROJECT {PROJECT}", "RUN_TYPE BAND")
    set_defaults(root, "GLOBAL", "PRINT_LEVEL LOW")
    _set_band(root, len(hop.frames), options)
    set_electrons(root, settings, continued=False)
    # The images are aligned to no common centre: the lattice keeps them in place.
    set_keywords(root, "FORCE_EVAL/DFT", f"CHARGE {round(hop.charge_e)}")
    set_subsystem(root, hop.frames[0], kinds)
    return "\n".join(root.write()) + "\n"


def _set_band(root: InputSection, images: int, options: BandOptions) -> None:
    path = "MOTION/BAND"
    force = options.force_ev_angstrom / FORCE_UNIT
    set_keywords(
        root,
        path,
        "BAND_TYPE CI-NEB",
        f"NUMBER_OF_REPLICA {images}",
        f"K_SPRING {options.spring_ev_square / SPRING_UNIT:.6f}",
        "ALIGN_FRAMES FALSE",
        "ROTATE_FRAMES FALSE",
    )
    set_defaults(root, path, "NPROC_REP 1")
    set_defaults(root, f"{path}/CI_NEB", "NSTEPS_IT 5")
    set_keywords(
        root,
        f"{path}/CONVERGENCE_CONTROL",
        f"MAX_FORCE {force:.6e}",
        f"RMS_FORCE {force:.6e}",
    )
    set_defaults(
        root,
        f"{path}/CONVERGENCE_CONTROL",
        f"MAX_DR {MOST_DISPLACEMENT_BOHR}",
        f"RMS_DR {MOST_DISPLACEMENT_BOHR}",
    )
    optimizer = f"{path}/OPTIMIZE_BAND"
    set_keywords(root, optimizer, "OPT_TYPE DIIS", "OPTIMIZE_END_POINTS TRUE")
    set_keywords(root, f"{optimizer}/DIIS", f"MAX_STEPS {options.most_steps}")
    for name in ("PROGRAM_RUN_INFO", "REPLICA_INFO"):  # the latter prints the forces that are read
        root.get_subsection(f"{path}/{name}").params = "LOW"
    band = root.get_subsection(path)
    for number in range(images):
        replica = InputSection("REPLICA")
        replica.keywords = [f"COORD_FILE_NAME {_image_name(number)}"]
        band.subsections.append(replica)


def _image_name(number: int) -> str:
    return f"image-{number:02d}.xyz"


def _plain_xyz(frame: Atoms) -> str:
    rows = zip(frame.get_chemical_symbols(), frame.positions.tolist(), strict=True)
    lines = [f"{symbol} {x:.12f} {y:.12f} {z:.12f}" for symbol, (x, y, z) in rows]
    return "\n".join([str(len(frame)), "", *lines]) + "\n"
