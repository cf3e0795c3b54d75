"""The inputs of one call of VASP, through pymatgen's input set for MD.

Tags: https://www.vasp.at/wiki. Energies in eV, times in fs, velocities in Å/fs. Pymatgen's input
sets take seconds to import and are imported where they are used.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms, units
from ase.md.velocitydistribution import Stationary, thermalize_momenta
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dualion.structures.errors import InputError
from dualion.workflows.execution.files import write_text
from dualion.workflows.md.engines.vasp_potentials import (
    check_elements,
    find_library,
    join_potentials,
    library_files,
    quiet,
)

if TYPE_CHECKING:
    from dualion.workflows.md.plan.spec import RunSpec

ENCUT_EV = 520.0
"""Plane-wave cutoff of the protocol of Cen et al., eV."""

LONGEST_NSW = 99_999
"""Most steps of one call: XDATCAR numbers its frames with six characters."""

LEAST_NSW = 5
"""Least steps of one call; fewer do not identify the step of a CONTCAR."""

PROTOCOL_TAGS = ("NSW", "IBRION", "POTIM", "TEBEG", "TEEND", "ISIF", "NBLOCK", "RANDOM_SEED")
"""Tags that follow from the protocol and the continuation."""


class VaspSettings(BaseModel):
    """Settings of the engine, all of them optional."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: str = Field("", description="VASP's program, else DUALION_VASP_COMMAND, else vasp_gam")
    incar: dict[str, bool | int | float | str] = Field(
        {}, description="tags besides the protocol's"
    )
    potcar_functional: str = Field("PBE_54", description="set of potentials in the library")
    potcars: dict[str, str] = Field({}, description="element: potential, such as Li_sv")


def check_vasp_settings(settings: Mapping[str, Any]) -> VaspSettings:
    """Validate the settings.

    Raises:
        InputError: one is unknown, invalid, or follows from the protocol.
    """
    try:
        found = VaspSettings.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        known = ", ".join(VaspSettings.model_fields)
        raise InputError(f"Setting {place} of vasp: {first['msg']}. Known: {known}.") from None
    decided = sorted(tag for tag in found.incar if tag.upper() in PROTOCOL_TAGS)
    if decided:
        raise InputError(
            f"Setting incar of vasp: {decided[0]} follows from the protocol; change the protocol "
            "(temperature, time step, length, frames) instead."
        )
    return found


def order_of(symbols: list[str]) -> NDArray[np.int64]:
    """Permutation that sorts atoms for VASP's files, elements together: ``atoms[order]``."""
    kinds = list(dict.fromkeys(symbols))
    return np.argsort([kinds.index(symbol) for symbol in symbols], kind="stable")


def make_incar_tags(spec: RunSpec, *, steps: int, kinds: int) -> dict[str, Any]:
    """Make the tags that differ from pymatgen's ``MPMDSet``.

    Every step goes into XDATCAR (NBLOCK 1): VASP numbers steps from one in each call, so that a
    larger block would miss steps of the trajectory.

    Args:
        spec: the run.
        steps: ionic steps of this call.
        kinds: number of elements.
    """
    protocol = spec.protocol
    tags: dict[str, Any] = {
        "SYSTEM": spec.label,
        "GGA": "PE",
        "ENCUT": ENCUT_EV,
        "PREC": "Normal",
        "EDIFF": 1e-5,
        "ISMEAR": 0,
        "SIGMA": 0.05,
        "ISPIN": 1,
        "ISYM": 0,
        "LREAL": "Auto",
        "ADDGRID": False,
        "IBRION": 0,
        "ISIF": 2,
        "POTIM": protocol.timestep_fs,
        "NSW": steps,
        "TEBEG": spec.temperature_k,
        "TEEND": spec.temperature_k,
        "NBLOCK": 1,
        "KBLOCK": steps,
        "NELM": 100,
        "LWAVE": False,
        "LCHARG": False,
        "NWRITE": 0,
        "RANDOM_SEED": f"{spec.seed % 900_000_000} 0 0",
    }
    tags |= _thermostat_tags(spec, kinds)
    given = check_vasp_settings(spec.settings).incar
    return tags | {tag.upper(): value for tag, value in given.items()}


def _thermostat_tags(spec: RunSpec, kinds: int) -> dict[str, Any]:
    damping_fs = spec.protocol.damping_fs
    if spec.protocol.thermostat == "nose-hoover":
        return {"MDALGO": 2, "SMASS": 0}  # a mass that oscillates with a period of 40 steps
    if spec.protocol.thermostat == "bussi":
        return {"MDALGO": 5, "CSVR_PERIOD": damping_fs, "SMASS": None}  # VASP 6.4.3 and later
    gamma = " ".join([f"{1000.0 / damping_fs:g}"] * kinds)  # 1/ps
    return {"MDALGO": 3, "LANGEVIN_GAMMA": gamma, "SMASS": None}


def write_inputs(spec: RunSpec, atoms: Atoms, folder: Path, *, steps: int) -> None:
    """Write INCAR, KPOINTS (Γ alone), POSCAR with velocities, and POTCAR.spec.

    Args:
        spec: the run.
        atoms: the starting cell; a continuation replaces POSCAR by the restart.
        folder: of the call.
        steps: ionic steps of this call.
    """
    from pymatgen.io.vasp.inputs import Poscar

    inputs = _make_input_set(spec, atoms, steps)
    with quiet():
        incar = str(inputs.incar)
        kpoints = str(inputs.kpoints)
        poscar = Poscar(
            inputs.structure, comment=spec.label, velocities=_draw_velocities(spec, atoms).tolist()
        ).get_str()
        symbols = list(inputs.potcar_symbols)
    write_text(folder / "INCAR", incar.rstrip() + "\n")
    write_text(folder / "KPOINTS", kpoints.rstrip() + "\n")
    write_text(folder / "POSCAR", poscar)
    write_text(folder / "POTCAR.spec", "\n".join(symbols) + "\n")


def _make_input_set(spec: RunSpec, atoms: Atoms, steps: int) -> Any:
    from pymatgen.core import Structure
    from pymatgen.io.vasp.sets import MPMDSet

    settings = check_vasp_settings(spec.settings)
    symbols = atoms.get_chemical_symbols()
    order = order_of(symbols)
    structure = Structure(
        np.array(atoms.cell),
        [symbols[i] for i in order],
        atoms.get_scaled_positions(wrap=True)[order],
    )
    with quiet():
        return MPMDSet(
            structure,
            start_temp=spec.temperature_k,
            end_temp=spec.temperature_k,
            nsteps=steps,
            time_step=spec.protocol.timestep_fs,
            sort_structure=False,
            user_incar_settings=make_incar_tags(spec, steps=steps, kinds=len(set(symbols))),
            user_potcar_settings=settings.potcars or {},
            user_potcar_functional=settings.potcar_functional,
        )


def _draw_velocities(spec: RunSpec, atoms: Atoms) -> NDArray[np.float64]:
    """Draw velocities without drift of the centre of mass, in VASP's order, (n, 3), Å/fs."""
    moving = atoms.copy()
    thermalize_momenta(moving, spec.temperature_k, rng=np.random.default_rng(spec.seed))
    Stationary(moving)
    order = order_of(atoms.get_chemical_symbols())
    return np.asarray(moving.get_velocities()[order] * units.fs)


def list_potential_symbols(spec: RunSpec, elements: tuple[str, ...]) -> list[str]:
    """List the names of the potentials of some elements, as POTCAR.spec does.

    Args:
        spec: the run.
        elements: symbols of the elements.
    """
    line = Atoms(
        list(elements),
        scaled_positions=[[i / len(elements), 0.0, 0.0] for i in range(len(elements))],
        cell=[5.0 * len(elements), 5.0, 5.0],
        pbc=True,
    )
    with quiet():
        return list(_make_input_set(spec, line, LEAST_NSW).potcar_symbols)


def find_potential_files(spec: RunSpec, elements: tuple[str, ...]) -> list[Path]:
    """Find the files of the library, one an element.

    Args:
        spec: the run.
        elements: symbols of the elements.

    Raises:
        InputError: the library lacks one; the message names the element.
    """
    return library_files(
        elements,
        list_potential_symbols(spec, elements),
        check_vasp_settings(spec.settings).potcar_functional,
    )


def write_potcar(spec: RunSpec, elements: tuple[str, ...], own: Path, folder: Path) -> None:
    """Write POTCAR from the library, or copy the user's own from the run's folder.

    Args:
        spec: the run.
        elements: in the order of POSCAR.
        own: path of the user's POTCAR; it need not exist.
        folder: of the call.

    Raises:
        InputError: there is neither, or the user's is for other elements.
    """
    target = folder / "POTCAR"
    if own.is_file():
        check_elements(own, elements)
        shutil.copyfile(own, target)
        return
    if find_library() is None:
        raise InputError(
            f"VASP's potentials are missing. {folder / 'POTCAR.spec'} lists them: put them one "
            "after the other into a file POTCAR in the run's folder, or tell pymatgen where your "
            "library is (pmg config -p EXTRACTED TARGET; pmg config --add PMG_VASP_PSP_DIR "
            "TARGET), and retry the run."
        )
    join_potentials(find_potential_files(spec, elements), target)
