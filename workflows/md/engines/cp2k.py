"""CP2K as an engine: Born–Oppenheimer MD with its own input, restarts and thermostats."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import numpy as np

from dualion.structures.errors import InputError
from dualion.workflows.execution.files import write_text
from dualion.workflows.md.engines.base import EngineCall, EngineError
from dualion.workflows.md.engines.cp2k_data import Kind, find_data_folder, match_kind, read_entries
from dualion.workflows.md.engines.cp2k_input import (
    RESTART,
    WAVEFUNCTION,
    Cp2kSettings,
    check_cp2k_settings,
    format_input,
)
from dualion.workflows.md.engines.cp2k_output import read_cp2k_frames, read_cp2k_restarts
from dualion.workflows.md.engines.diagnostics import make_symptom
from dualion.workflows.md.engines.external import ExternalEngine, ProgramOutput
from dualion.workflows.md.engines.work_folder import ProgramCall
from dualion.workflows.md.plan.spec import RunSpec

INPUT = "md.inp"
ENVIRONMENT = "DUALION_CP2K"


class Cp2kEngine(ExternalEngine):
    """MD with CP2K in the NVT ensemble at Γ."""

    name = "cp2k"
    inputs = (INPUT,)
    symptoms = (
        make_symptom(
            r"requested basis set .* not found|basis set .*was not found|potential .* not found|"
            r"requested (all)?electron potential",
            "missing_potential",
            "a basis set or potential is missing in its data files; name another by the setting "
            "kinds.",
        ),
        make_symptom(
            r"cholesky|geometry wrong or emax_spline too small|matrix is not positive definite",
            "bad_geometry",
            "the matrices of this geometry cannot be factorised; look for atoms that are too "
            "close in start.extxyz.",
        ),
        make_symptom(
            r"scf run not converged|did not converge|outer scf loop failed",
            "scf_not_converged",
            "the electrons do not converge; raise max_scf, or choose another minimizer by the "
            "setting input.",
        ),
    )

    def check(self, spec: RunSpec, elements: tuple[str, ...]) -> None:
        """Refuse unknown settings, elements without basis or potential, a missing program.

        Args:
            spec: the run.
            elements: symbols of the elements in its cell.

        Raises:
            InputError: says what is missing or wrong.
        """
        settings = check_cp2k_settings(spec.settings)
        program = find_program(settings)
        if shutil.which(program[0]) is None:
            raise InputError(self.missing(program[0]))
        find_kinds(settings, elements)

    def missing(self, program: str) -> str:
        """Say what to do where CP2K is missing."""
        return (
            f"The engine cp2k needs the program {program}, which is not on this machine; install "
            f"it (Debian and Ubuntu: apt install cp2k cp2k-data), load its module, or name it in "
            f"{ENVIRONMENT}."
        )

    def program(self, spec: RunSpec) -> list[str]:
        """Give CP2K with the input of the call."""
        return [*find_program(check_cp2k_settings(spec.settings)), "-i", INPUT]

    def environment(self, call: EngineCall) -> dict[str, str]:
        """Set the program's environment, with the data folder that the user names."""
        given = check_cp2k_settings(call.spec.settings).data_dir
        own = {"CP2K_DATA_DIR": str(Path(given).expanduser().resolve())} if given else {}
        return super().environment(call) | own

    def prepare(
        self, call: EngineCall, program_call: ProgramCall, restart: Path | None, *, to_step: int
    ) -> None:
        """Write ``md.inp``, and the restart and the wavefunction beside it.

        Args:
            call: the run, its target and its resources.
            program_call: folder in which the program will run, and its first MD step.
            restart: folder with the files of the restart; None for the start of the run.
            to_step: MD step of the last frame that is needed.

        Raises:
            EngineError: a basis or potential is missing.
        """
        atoms = call.folder.atoms()
        settings = check_cp2k_settings(call.spec.settings)
        elements = tuple(sorted(set(atoms.get_chemical_symbols())))
        try:
            kinds = find_kinds(settings, elements)
        except InputError as error:
            raise EngineError("missing_potential", str(error)) from error
        text = format_input(
            call.spec,
            atoms,
            kinds,
            steps=to_step - program_call.from_step,
            continued=restart is not None,
            limit_s=call.remaining_s,
        )
        if restart is not None:
            for name in (RESTART, WAVEFUNCTION):
                if (restart / name).is_file():
                    shutil.copyfile(restart / name, program_call.path / name)
        write_text(program_call.path / INPUT, text)

    def read_output(self, call: EngineCall, program_call: ProgramCall) -> ProgramOutput:
        """Read the frames of ``md-pos-1.xyz`` and the complete restarts.

        Args:
            call: the run, its target and its resources.
            program_call: folder in which the program runs, and its first MD step.
        """
        atoms = call.folder.atoms()
        restarts = list(
            read_cp2k_restarts(program_call.path)
        )  # first, so that the frames reach at least as far
        frames = read_cp2k_frames(
            program_call.path,
            np.array(atoms.cell, dtype=np.float64),
            tuple(atoms.get_chemical_symbols()),
            timestep_fs=call.spec.protocol.timestep_fs,
        )
        return ProgramOutput(frames=frames, restarts=restarts)

    def request_stop(self, program_call: ProgramCall) -> None:
        """Write the file EXIT; CP2K looks for it every 20 s, ends its step and writes a restart."""
        (program_call.path / "EXIT").touch()


def find_program(settings: Cp2kSettings) -> list[str]:
    """Find the program, as words: in the settings, the environment, or by its usual name."""
    return shlex.split(settings.program or os.environ.get(ENVIRONMENT, "")) or ["cp2k.psmp"]


def find_kinds(settings: Cp2kSettings, elements: tuple[str, ...]) -> list[Kind]:
    """Find basis and potential of each element.

    Args:
        settings: the engine's settings.
        elements: symbols of the elements.

    Raises:
        InputError: the data files are missing, or hold nothing for an element.
    """
    files = (settings.basis_file, settings.potential_file)
    folder = find_data_folder(find_program(settings)[0], settings.data_dir, needed=files)
    bases, potentials = (read_entries(folder / name) for name in files)
    kinds = []
    for element in elements:
        own = settings.kinds.get(element, {})
        unknown = set(own) - {"basis", "potential"}
        if unknown:
            raise InputError(
                f"Setting kinds of {element}: there is no {sorted(unknown)[0]!r}; give basis and "
                "potential."
            )
        kinds.append(
            match_kind(
                element,
                basis=own.get("basis", settings.basis),
                potential=own.get("potential", settings.potential),
                bases=bases,
                potentials=potentials,
            )
        )
    return kinds
