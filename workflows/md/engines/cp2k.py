"""CP2K as an engine: Born–Oppenheimer MD with its own input, restarts and thermostats."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import numpy as np

from dualion.structures.errors import InputError
from dualion.workflows.execution.files import write_text
from dualion.workflows.md.engines.base import EngineError, Leg
from dualion.workflows.md.engines.cp2k_data import Kind, data_folder, entries, kind_of
from dualion.workflows.md.engines.cp2k_input import (
    RESTART,
    WAVEFUNCTION,
    Cp2kSettings,
    cp2k_settings,
    render_input,
)
from dualion.workflows.md.engines.cp2k_output import cp2k_frames, cp2k_restarts
from dualion.workflows.md.engines.diagnostics import symptom
from dualion.workflows.md.engines.external import ExternalEngine, Found
from dualion.workflows.md.engines.work_folder import Piece
from dualion.workflows.md.plan.spec import RunSpec

INPUT = "md.inp"
ENVIRONMENT = "DUALION_CP2K"


class Cp2kEngine(ExternalEngine):
    """MD with CP2K in the NVT ensemble at Γ."""

    name = "cp2k"
    inputs = (INPUT,)
    symptoms = (
        symptom(
            r"requested basis set .* not found|basis set .*was not found|potential .* not found|"
            r"requested (all)?electron potential",
            "missing_potential",
            "a basis set or potential is missing in its data files; name another by the setting "
            "kinds.",
        ),
        symptom(
            r"cholesky|geometry wrong or emax_spline too small|matrix is not positive definite",
            "bad_geometry",
            "the matrices of this geometry cannot be worked with; look for atoms that are too "
            "close in start.extxyz.",
        ),
        symptom(
            r"scf run not converged|did not converge|outer scf loop failed",
            "scf_not_converged",
            "the electrons do not converge; raise max_scf, or choose another minimizer by the "
            "setting input.",
        ),
    )

    def check(self, spec: RunSpec, elements: tuple[str, ...]) -> None:
        """Refuse unknown settings, elements without basis or potential, a missing program."""
        settings = cp2k_settings(spec.settings)
        program = program_of(settings)
        if shutil.which(program[0]) is None:
            raise InputError(self.missing(program[0]))
        kinds_of(settings, elements)

    def missing(self, program: str) -> str:
        """What to do where CP2K is missing."""
        return (
            f"The engine cp2k needs the program {program}, which is not on this machine; install "
            f"it (Debian and Ubuntu: apt install cp2k cp2k-data), load its module, or name it in "
            f"{ENVIRONMENT}."
        )

    def program(self, spec: RunSpec) -> list[str]:
        """CP2K on the piece's input."""
        return [*program_of(cp2k_settings(spec.settings)), "-i", INPUT]

    def environment(self, leg: Leg) -> dict[str, str]:
        """With the folder of data files that the user names."""
        given = cp2k_settings(leg.spec.settings).data_dir
        own = {"CP2K_DATA_DIR": str(Path(given).expanduser().resolve())} if given else {}
        return super().environment(leg) | own

    def prepare(self, leg: Leg, piece: Piece, restart: Path | None, *, to_step: int) -> None:
        """Write ``md.inp``, with the restart and the wavefunction beside it."""
        atoms = leg.folder.atoms()
        settings = cp2k_settings(leg.spec.settings)
        elements = tuple(sorted(set(atoms.get_chemical_symbols())))
        try:
            kinds = kinds_of(settings, elements)
        except InputError as error:
            raise EngineError("missing_potential", str(error)) from error
        text = render_input(
            leg.spec,
            atoms,
            kinds,
            steps=to_step - piece.from_step,
            going_on=restart is not None,
            limit_s=leg.left_s,
        )
        if restart is not None:
            for name in (RESTART, WAVEFUNCTION):
                if (restart / name).is_file():
                    shutil.copyfile(restart / name, piece.path / name)
        write_text(piece.path / INPUT, text)

    def read_back(self, leg: Leg, piece: Piece) -> Found:
        """Frames of ``md-pos-1.xyz`` and the restarts that are whole."""
        atoms = leg.folder.atoms()
        restarts = list(cp2k_restarts(piece.path))  # first, so that the frames reach as far
        frames = cp2k_frames(
            piece.path,
            np.array(atoms.cell, dtype=np.float64),
            tuple(atoms.get_chemical_symbols()),
            timestep_fs=leg.spec.protocol.timestep_fs,
        )
        return Found(frames=frames, restarts=restarts)

    def ask_to_stop(self, piece: Piece) -> None:
        """A file named EXIT makes CP2K finish its step and write a restart."""
        (piece.path / "EXIT").touch()


def program_of(settings: Cp2kSettings) -> list[str]:
    """The program as words: from the settings, the environment, or by its usual name."""
    return shlex.split(settings.program or os.environ.get(ENVIRONMENT, "")) or ["cp2k.psmp"]


def kinds_of(settings: Cp2kSettings, elements: tuple[str, ...]) -> list[Kind]:
    """Basis and potential of each element.

    Raises:
        InputError: the data files are missing, or hold nothing for an element.
    """
    files = (settings.basis_file, settings.potential_file)
    folder = data_folder(program_of(settings)[0], settings.data_dir, needed=files)
    bases, potentials = (entries(folder / name) for name in files)
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
            kind_of(
                element,
                basis=own.get("basis", settings.basis),
                potential=own.get("potential", settings.potential),
                bases=bases,
                potentials=potentials,
            )
        )
    return kinds
