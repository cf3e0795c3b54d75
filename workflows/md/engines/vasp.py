"""VASP as an engine: the paper's protocol, piece by piece, each continued from CONTCAR."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import numpy as np

from dualion.structures.errors import InputError
from dualion.workflows.execution.files import write_bytes, write_text
from dualion.workflows.md.engines.base import EngineError, Leg
from dualion.workflows.md.engines.diagnostics import symptom
from dualion.workflows.md.engines.external import ExternalEngine, Found, Restart
from dualion.workflows.md.engines.vasp_inputs import (
    LEAST_NSW,
    LONGEST_NSW,
    library,
    order_of,
    potential_files,
    vasp_settings,
    write_inputs,
    write_potcar,
)
from dualion.workflows.md.engines.vasp_outputs import (
    LARGEST_CONTCAR_BYTES,
    Configurations,
    contcar_number,
    read_configurations,
    read_oszicar,
)
from dualion.workflows.md.engines.work_folder import Piece
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
        symptom(
            r"POTCAR.*(not found|does not exist|could not be opened)|error reading.*POTCAR",
            "missing_potential",
            "it cannot read POTCAR; look at the potentials that POTCAR.spec lists.",
        ),
        symptom(
            r"ZBRENT|EDDDAV|EDDRMM|ZHEGV|Sub-Space-Matrix",
            "scf_not_converged",
            "the electrons do not converge; set ALGO = Normal or All by the setting incar.",
        ),
        symptom(
            r"not enough memory|insufficient virtual memory|SIGSEGV|segmentation fault",
            "out_of_memory",
            "it ran out of memory or stack; use fewer ranks a node, and ulimit -s unlimited.",
        ),
        symptom(
            r"licen[cs]e (error|check|server|expired|not|could)",
            "licence",
            "it found no licence; look at how VASP is installed here.",
        ),
    )

    def check(self, spec: RunSpec, elements: tuple[str, ...]) -> None:
        """Refuse unknown settings, and elements that a configured library lacks.

        The program and, without a library, the potentials are asked for when the run begins: a
        VASP folder can be prepared on a machine that has neither.
        """
        vasp_settings(spec.settings)
        if library() is not None:
            potential_files(spec, elements)

    def missing(self, program: str) -> str:
        """What to do where VASP is missing."""
        return (
            f"The engine vasp needs the program {program}, which is not on this machine; load its "
            f"module in the job's template, or name it in {ENVIRONMENT}. The inputs are prepared."
        )

    def program(self, spec: RunSpec) -> list[str]:
        """VASP, which takes no arguments."""
        given = vasp_settings(spec.settings).command or os.environ.get(ENVIRONMENT, "")
        return shlex.split(given) or ["vasp_gam"]

    def prepare(self, leg: Leg, piece: Piece, restart: Path | None, *, to_step: int) -> None:
        """Write INCAR, KPOINTS, POSCAR and POTCAR; a restart's CONTCAR becomes POSCAR as it is."""
        atoms = leg.folder.atoms()
        steps = to_step - piece.from_step + 1  # configuration 1 is the step of the restart
        steps = min(max(steps, LEAST_NSW), LONGEST_NSW)
        write_inputs(leg.spec, atoms, piece.path, steps=steps)
        if restart is not None:
            write_bytes(piece.path / "POSCAR", (restart / RESTART).read_bytes())
        symbols = atoms.get_chemical_symbols()
        own = leg.folder.path / "POTCAR"
        if not own.is_file():
            own = leg.folder.path / ATTEMPT / "POTCAR"  # set aside with a first attempt
        try:
            write_potcar(leg.spec, tuple(dict.fromkeys(symbols)), own, piece.path)
        except InputError as error:
            raise EngineError("missing_potential", str(error)) from error

    def read_back(self, leg: Leg, piece: Piece) -> Found:
        """Frames on which the files agree, and CONTCAR where its step is certain."""
        atoms = leg.folder.atoms()
        symbols = atoms.get_chemical_symbols()
        order = order_of(symbols)
        contcar = _content(piece.path / RESTART)
        configurations = read_configurations(
            piece.path,
            tuple(symbols[i] for i in order),
            from_step=piece.from_step,
            stride=leg.spec.protocol.steps_per_frame,
        )
        number = contcar_number(contcar, configurations, len(symbols))
        restarts = []
        if number is not None:
            restarts.append(Restart(piece.from_step + number - 1, lambda: {RESTART: contcar}))
        return Found(frames=_frames(leg, piece, configurations, order), restarts=restarts)

    def ask_to_stop(self, piece: Piece) -> None:
        """STOPCAR ends VASP after the ionic step it is in."""
        write_text(piece.path / "STOPCAR", "LSTOP = .TRUE.\n")


def _frames(leg: Leg, piece: Piece, found: Configurations, order: np.ndarray) -> dict[int, MdFrame]:
    """Kept frames in our order of atoms, by MD step; those without a line in OSZICAR wait."""
    cell = np.array(leg.folder.atoms().cell, dtype=np.float64)
    said = read_oszicar(piece.path / "OSZICAR")
    frames = {}
    for number, fractional in found.kept.items():
        if number not in said:
            continue
        temperature_k, energy_ev = said[number]
        step = piece.from_step + number - 1
        ours = np.empty_like(fractional)
        ours[order] = fractional
        known = found.energies_ev[number]
        frames[step] = MdFrame(
            step=step,
            time_ps=step * leg.spec.protocol.timestep_fs / 1000.0,
            positions=ours @ cell,
            cell=cell,
            energy_ev=known if np.isfinite(known) else energy_ev,
            temperature_k=temperature_k,
        )
    return frames


def _content(path: Path) -> bytes:
    """Content of a file; empty where there is none, or where it is too large."""
    try:
        if path.stat().st_size > LARGEST_CONTCAR_BYTES:
            return b""
        return path.read_bytes()
    except OSError:
        return b""
