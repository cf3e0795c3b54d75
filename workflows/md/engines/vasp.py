"""VASP as an engine: call by call, each continued from the CONTCAR of the one before."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import numpy as np

from dualion.structures.errors import InputError
from dualion.workflows.execution.files import write_bytes, write_text
from dualion.workflows.md.engines.base import EngineCall, EngineError
from dualion.workflows.md.engines.diagnostics import make_symptom
from dualion.workflows.md.engines.external import ExternalEngine, ProgramOutput, Restart
from dualion.workflows.md.engines.vasp_inputs import (
    LEAST_NSW,
    LONGEST_NSW,
    check_vasp_settings,
    find_potential_files,
    order_of,
    write_inputs,
    write_potcar,
)
from dualion.workflows.md.engines.vasp_outputs import (
    LARGEST_CONTCAR_BYTES,
    Configurations,
    identify_contcar,
    read_configurations,
    read_oszicar,
)
from dualion.workflows.md.engines.vasp_potentials import find_library
from dualion.workflows.md.engines.work_folder import ProgramCall
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.run.run_folder import ATTEMPT
from dualion.workflows.md.run.trajectory_file import MdFrame

ENVIRONMENT = "DUALION_VASP_COMMAND"
RESTART = "CONTCAR"


class VaspEngine(ExternalEngine):
    """MD with VASP in the NVT ensemble at Γ."""

    name = "vasp"
    inputs = ("INCAR", "KPOINTS", "POSCAR", "POTCAR.spec", "OSZICAR")
    repeats_restart = True
    symptoms = (
        make_symptom(
            r"POTCAR.*(not found|does not exist|could not be opened)|error reading.*POTCAR",
            "missing_potential",
            "it cannot read POTCAR; look at the potentials that POTCAR.spec lists.",
        ),
        make_symptom(
            r"ZBRENT|EDDDAV|EDDRMM|ZHEGV|Sub-Space-Matrix",
            "scf_not_converged",
            "the electrons do not converge; set ALGO = Normal or All by the setting incar.",
        ),
        make_symptom(
            r"not enough memory|insufficient virtual memory|SIGSEGV|segmentation fault",
            "out_of_memory",
            "it ran out of memory or stack; use fewer ranks a node, and ulimit -s unlimited.",
        ),
        make_symptom(
            r"licen[cs]e (error|check|server|expired|not|could)",
            "licence",
            "it found no licence; look at how VASP is installed here.",
        ),
    )

    def check(self, spec: RunSpec, elements: tuple[str, ...]) -> None:
        """Refuse unknown settings, and elements that a configured library lacks.

        The program and, without a library, the potentials are checked when the run starts: a VASP
        folder can be prepared on a machine that has neither.

        Args:
            spec: the run.
            elements: symbols of the elements in its cell.

        Raises:
            InputError: says what is missing or wrong.
        """
        check_vasp_settings(spec.settings)
        if find_library() is not None:
            find_potential_files(spec, elements)

    def missing(self, program: str) -> str:
        """Say what to do where VASP is missing."""
        return (
            f"The engine vasp needs the program {program}, which is not on this machine; load its "
            f"module in the job's template, or name it in {ENVIRONMENT}. The inputs are prepared."
        )

    def program(self, spec: RunSpec) -> list[str]:
        """Give VASP, which takes no arguments."""
        given = check_vasp_settings(spec.settings).command or os.environ.get(ENVIRONMENT, "")
        return shlex.split(given) or ["vasp_gam"]

    def prepare(
        self, call: EngineCall, program_call: ProgramCall, restart: Path | None, *, to_step: int
    ) -> None:
        """Write INCAR, KPOINTS, POSCAR and POTCAR; a restart's CONTCAR becomes POSCAR unchanged.

        Args:
            call: the run, its target and its resources.
            program_call: folder in which the program will run, and its first MD step.
            restart: folder with the files of the restart; None for the start of the run.
            to_step: MD step of the last frame that is needed.

        Raises:
            EngineError: a basis or potential is missing.
        """
        atoms = call.folder.atoms()
        steps = to_step - program_call.from_step + 1  # configuration 1 is the step of the restart
        steps = min(max(steps, LEAST_NSW), LONGEST_NSW)
        write_inputs(call.spec, atoms, program_call.path, steps=steps)
        if restart is not None:
            write_bytes(program_call.path / "POSCAR", (restart / RESTART).read_bytes())
        symbols = atoms.get_chemical_symbols()
        own = call.folder.path / "POTCAR"
        if not own.is_file():
            own = call.folder.path / ATTEMPT / "POTCAR"  # archived with a first attempt
        try:
            write_potcar(call.spec, tuple(dict.fromkeys(symbols)), own, program_call.path)
        except InputError as error:
            raise EngineError("missing_potential", str(error)) from error

    def read_output(self, call: EngineCall, program_call: ProgramCall) -> ProgramOutput:
        """Read the frames on which the files agree, and CONTCAR where its step is certain.

        Args:
            call: the run, its target and its resources.
            program_call: folder in which the program runs, and its first MD step.
        """
        atoms = call.folder.atoms()
        symbols = atoms.get_chemical_symbols()
        order = order_of(symbols)
        contcar = _read_bytes(program_call.path / RESTART)
        configurations = read_configurations(
            program_call.path,
            tuple(symbols[i] for i in order),
            from_step=program_call.from_step,
            stride=call.spec.protocol.steps_per_frame,
        )
        number = identify_contcar(contcar, configurations, len(symbols))
        restarts = []
        if number is not None:
            restarts.append(
                Restart(program_call.from_step + number - 1, lambda: {RESTART: contcar})
            )
        return ProgramOutput(
            frames=_make_frames(call, program_call, configurations, order), restarts=restarts
        )

    def request_stop(self, program_call: ProgramCall) -> None:
        """Write STOPCAR, which ends VASP after its present ionic step."""
        write_text(program_call.path / "STOPCAR", "LSTOP = .TRUE.\n")


def _make_frames(
    call: EngineCall, program_call: ProgramCall, found: Configurations, order: np.ndarray
) -> dict[int, MdFrame]:
    """Make frames in the run's order of atoms, by MD step; those without a line in OSZICAR wait."""
    cell = np.array(call.folder.atoms().cell, dtype=np.float64)
    oszicar = read_oszicar(program_call.path / "OSZICAR")
    frames = {}
    for number, fractional in found.kept.items():
        if number not in oszicar:
            continue
        temperature_k, energy_ev = oszicar[number]
        step = program_call.from_step + number - 1
        ours = np.empty_like(fractional)
        ours[order] = fractional
        known = found.energies_ev[number]
        frames[step] = MdFrame(
            step=step,
            time_ps=step * call.spec.protocol.timestep_fs / 1000.0,
            positions=ours @ cell,
            cell=cell,
            energy_ev=known if np.isfinite(known) else energy_ev,
            temperature_k=temperature_k,
        )
    return frames


def _read_bytes(path: Path) -> bytes:
    """Read a file; empty where there is none, or where it is too large."""
    try:
        if path.stat().st_size > LARGEST_CONTCAR_BYTES:
            return b""
        return path.read_bytes()
    except OSError:
        return b""
