"""The input of one call of CP2K, from the specification of a run.

Keywords: https://manual.cp2k.org. Lengths in Å, times in fs, temperatures in K, cutoffs in Ry.
Keywords of the user's ``input`` take precedence, except those that a continuation depends on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ase.calculators.cp2k import InputSection, parse_input
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError

from dualion.structures.errors import InputError
from dualion.workflows.md.engines.cp2k_data import Kind

if TYPE_CHECKING:
    from ase import Atoms

    from dualion.workflows.md.plan.spec import RunSpec

PROJECT = "md"
RESTART, WAVEFUNCTION = "start.restart", "start.wfn"
LARGEST_INPUT_CHARACTERS = 100_000


class Cp2kSettings(BaseModel):
    """Settings of the engine, all of them optional."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    program: str = Field("", description="CP2K's program, else DUALION_CP2K, else cp2k.psmp")
    data_dir: str = Field("", description="folder of CP2K's data files")
    basis: str = Field("DZVP-MOLOPT-SR-GTH", description="basis set")
    basis_file: str = Field("BASIS_MOLOPT", description="data file of the basis sets")
    potential: str = Field("GTH-PBE", description="pseudopotential")
    potential_file: str = Field("GTH_POTENTIALS", description="data file of the potentials")
    kinds: dict[str, dict[str, str]] = Field({}, description="element: its basis, potential")
    cutoff_ry: PositiveFloat = Field(400.0, description="plane-wave cutoff of the grid, Ry")
    rel_cutoff_ry: PositiveFloat = Field(50.0, description="cutoff of a Gaussian's grid, Ry")
    eps_scf: PositiveFloat = Field(1e-7, description="convergence of the density")
    eps_default: PositiveFloat = Field(1e-12, description="accuracy of the integrals")
    max_scf: PositiveInt = Field(50, description="inner steps before the outer loop")
    restart_steps: PositiveInt = Field(10, description="MD steps between two restarts")
    input: str = Field("", description="sections of CP2K's input that take precedence")


def check_cp2k_settings(settings: Mapping[str, Any]) -> Cp2kSettings:
    """Validate the settings.

    Raises:
        InputError: one is unknown or invalid.
    """
    try:
        found = Cp2kSettings.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        known = ", ".join(Cp2kSettings.model_fields)
        raise InputError(f"Setting {place} of cp2k: {first['msg']}. Known: {known}.") from None
    parse_sections(found.input)
    return found


def format_input(
    spec: RunSpec,
    atoms: Atoms,
    kinds: Iterable[Kind],
    *,
    steps: int,
    continued: bool,
    limit_s: float = math.inf,
) -> str:
    """Format the input of one call.

    Args:
        spec: the run.
        atoms: the starting cell; a restart replaces its positions.
        kinds: basis and potential of each element.
        steps: MD steps of the call.
        continued: whether ``start.restart`` is beside the input.
        limit_s: time after which CP2K ends by itself, s; inf for none.

    Raises:
        InputError: a setting is unknown or invalid.
    """
    settings = check_cp2k_settings(spec.settings)
    root = parse_sections(settings.input)
    _set_global(root, spec, limit_s)
    if continued:
        set_keywords(root, "EXT_RESTART", f"RESTART_FILE_NAME {RESTART}")
    _set_motion(root, spec, settings, steps)
    set_electrons(root, settings, continued)
    set_subsystem(root, atoms, kinds)
    return "\n".join(root.write()) + "\n"


def parse_sections(text: str) -> InputSection:
    """Parse the user's sections.

    Raises:
        InputError: they are no CP2K input, or name files to include.
    """
    if len(text) > LARGEST_INPUT_CHARACTERS or "@" in text:
        raise InputError(
            "The setting input of cp2k is too long or holds a directive (@INCLUDE, @SET); write "
            "plain sections."
        )
    opened = sum(line.strip().startswith("&") for line in text.splitlines())
    closed = sum(line.strip().upper().startswith("&END") for line in text.splitlines())
    if opened != 2 * closed:
        raise InputError("The setting input of cp2k opens a section that it does not close.")
    root = parse_input(text)
    _refuse_duplicates(root)
    return root


def _refuse_duplicates(section: InputSection) -> None:
    """Refuse a repeated section other than KIND, of which one would be lost.

    Raises:
        InputError: there is one.
    """
    names = [below.name for below in section.subsections if below.name != "KIND"]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"The setting input of cp2k holds the section {twice[0]} twice.")
    for below in section.subsections:
        _refuse_duplicates(below)


def _set_global(root: InputSection, spec: RunSpec, limit_s: float) -> None:
    set_keywords(
        root, "GLOBAL", f"PROJECT {PROJECT}", "RUN_TYPE MD", f"SEED {spec.seed % 2_000_000_000}"
    )
    set_defaults(root, "GLOBAL", "PRINT_LEVEL LOW")
    if math.isfinite(limit_s):
        set_keywords(root, "GLOBAL", f"WALLTIME {max(1, int(limit_s))}")


def _set_motion(root: InputSection, spec: RunSpec, settings: Cp2kSettings, steps: int) -> None:
    protocol = spec.protocol
    ensemble = "LANGEVIN" if protocol.thermostat == "langevin" else "NVT"
    set_keywords(
        root,
        "MOTION/MD",
        f"ENSEMBLE {ensemble}",
        f"TIMESTEP {protocol.timestep_fs!r}",
        f"STEPS {steps}",
        f"TEMPERATURE {spec.temperature_k!r}",
    )
    if ensemble == "LANGEVIN":
        set_keywords(root, "MOTION/MD/LANGEVIN", f"GAMMA {1.0 / protocol.damping_fs!r}")
    else:
        kind = "CSVR" if protocol.thermostat == "bussi" else "NOSE"
        set_keywords(root, "MOTION/MD/THERMOSTAT", f"TYPE {kind}", "REGION GLOBAL")
        set_keywords(root, f"MOTION/MD/THERMOSTAT/{kind}", f"TIMECON {protocol.damping_fs!r}")
    set_keywords(root, "MOTION/PRINT/TRAJECTORY", "FORMAT XYZ", "UNIT angstrom")
    set_keywords(root, "MOTION/PRINT/TRAJECTORY/EACH", f"MD {protocol.steps_per_frame}")
    set_keywords(root, "MOTION/PRINT/RESTART", "BACKUP_COPIES 3")
    set_keywords(root, "MOTION/PRINT/RESTART/EACH", f"MD {settings.restart_steps}")
    root.get_subsection(
        "MOTION/PRINT/RESTART_HISTORY"
    ).params = "OFF"  # copies are kept in the work folder


def set_electrons(root: InputSection, settings: Cp2kSettings, continued: bool) -> None:
    set_defaults(root, "FORCE_EVAL", "METHOD QUICKSTEP")
    dft = "FORCE_EVAL/DFT"
    set_keywords(
        root,
        dft,
        f"BASIS_SET_FILE_NAME {settings.basis_file}",
        f"POTENTIAL_FILE_NAME {settings.potential_file}",
    )
    set_keywords(root, f"{dft}/MGRID", f"CUTOFF {settings.cutoff_ry!r}")
    set_keywords(root, f"{dft}/MGRID", f"REL_CUTOFF {settings.rel_cutoff_ry!r}")
    set_defaults(root, f"{dft}/QS", f"EPS_DEFAULT {settings.eps_default!r}")
    set_defaults(root, f"{dft}/QS", "EXTRAPOLATION ASPC", "EXTRAPOLATION_ORDER 3")
    scf = f"{dft}/SCF"
    set_keywords(root, scf, f"SCF_GUESS {'RESTART' if continued else 'ATOMIC'}")
    if continued:
        set_keywords(root, dft, f"WFN_RESTART_FILE_NAME {WAVEFUNCTION}")
    set_keywords(root, scf, f"EPS_SCF {settings.eps_scf!r}", f"MAX_SCF {settings.max_scf}")
    set_defaults(root, f"{scf}/OT", "MINIMIZER DIIS", "PRECONDITIONER FULL_SINGLE_INVERSE")
    set_defaults(root, f"{scf}/OUTER_SCF", f"EPS_SCF {settings.eps_scf!r}", "MAX_SCF 10")
    functional = root.get_subsection(f"{dft}/XC/XC_FUNCTIONAL")
    if not functional.params and not functional.subsections:
        functional.params = "PBE"


def set_subsystem(root: InputSection, atoms: Atoms, kinds: Iterable[Kind]) -> None:
    subsys = root.get_subsection("FORCE_EVAL/SUBSYS")
    for axis, vector in zip("ABC", atoms.cell, strict=True):
        row = " ".join(f"{value:.12f}" for value in vector)
        set_keywords(root, "FORCE_EVAL/SUBSYS/CELL", f"{axis} {row}")
    coordinates = root.get_subsection("FORCE_EVAL/SUBSYS/COORD")
    coordinates.keywords = [
        f"{symbol} {x:.12f} {y:.12f} {z:.12f}"
        for symbol, (x, y, z) in zip(
            atoms.get_chemical_symbols(), atoms.get_positions().tolist(), strict=True
        )
    ]
    for kind in kinds:
        section = InputSection("KIND", kind.element)
        section.keywords = [f"BASIS_SET {kind.basis}", f"POTENTIAL {kind.potential}"]
        _replace_kind(subsys, section)


def _replace_kind(subsys: InputSection, section: InputSection) -> None:
    """Add a kind; further keywords of the user's section of the same element stay."""
    for present in list(subsys.subsections):
        if present.name == "KIND" and present.params == section.params:
            ours = {line.split()[0] for line in section.keywords}
            section.keywords += [k for k in present.keywords if k.split()[0].upper() not in ours]
            section.subsections = present.subsections
            subsys.subsections.remove(present)
    subsys.subsections.append(section)


def set_keywords(root: InputSection, path: str, *lines: str) -> None:
    """Set keywords, replacing the user's."""
    section = root.get_subsection(path)
    for line in lines:
        key = line.split()[0]
        section.keywords = [k for k in section.keywords if k.split()[0].upper() != key]
        section.keywords.append(line)


def set_defaults(root: InputSection, path: str, *lines: str) -> None:
    """Set keywords that the user has not set."""
    section = root.get_subsection(path)
    present = {k.split()[0].upper() for k in section.keywords}
    section.keywords += [line for line in lines if line.split()[0] not in present]
