"""A potential in a Python environment of its own: a process that answers force requests.

Packages of potentials exclude each other (MACE needs another e3nn than SevenNet). Only the forces
are computed in the other environment, so it has to hold nothing but ASE and the potential, while
checkpoints, guards and thermostats stay here. The price is a message of some kilobytes each way
and call, less than a thousandth of the call itself.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from dualion.structures.errors import InputError
from dualion.workflows.potentials.standalone.batches import EnergyAndForces
from dualion.workflows.potentials.standalone.wire import WireError, receive, send

if TYPE_CHECKING:
    from ase import Atoms

STANDALONE = Path(__file__).parent / "standalone"

BOOT = """\
import sys, types
parts = "dualion.workflows.potentials.standalone".split(".")
for count in range(1, len(parts) + 1):
    module = types.ModuleType(".".join(parts[:count]))
    module.__path__ = [sys.argv[1]] if count == len(parts) else []
    sys.modules[module.__name__] = module
from dualion.workflows.potentials.standalone.serve import main
main()
"""
"""Program of the other process: it finds the stand-alone modules, and nothing else of dualion."""

END_WAIT_S = 10.0
SHOWN_ERROR_BYTES = 600


class RemoteError(Exception):
    """The potential of another environment refused.

    Attributes:
        missing: the package that is not installed there; None where that is not the reason.
    """

    def __init__(self, message: str, *, missing: str | None = None) -> None:
        super().__init__(message)
        self.missing = missing


class PotentialDiedError(Exception):
    """The process of a potential died; the run may go on from its last checkpoint."""


class RemoteProcess:
    """A process of another environment that answers requests, see ``serve``.

    Args:
        python: interpreter of that environment.
        label: what is computed there, for messages.

    Raises:
        InputError: there is no such interpreter.
    """

    def __init__(self, python: str, label: str) -> None:
        self._label = f"{label} in {python}"
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self._process: subprocess.Popen[bytes] | None = None
        self._process = _start(python, self._errors)

    def ask(
        self, header: Mapping[str, Any], arrays: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Send a request and wait for its answer.

        Args:
            header: the request.
            arrays: name → array that belongs to it.

        Returns:
            Header and arrays of the answer.

        Raises:
            RemoteError: what was asked failed there.
            PotentialDiedError: the process died.
        """
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise PotentialDiedError(f"The process of {self._label} has ended.")
        try:
            send(process.stdin, header, arrays or {})
            answer = receive(process.stdout)
        except (OSError, WireError):
            answer = None
        except BaseException:  # half a message is left: the process is of no more use
            self.close()
            raise
        if answer is None:
            raise PotentialDiedError(self._describe_death(process))
        if "error" in answer[0]:
            kind, message, missing = (answer[0].get(k) for k in ("error", "message", "missing"))
            text = str(message) if kind == "PotentialError" else f"{kind}: {message}"
            raise RemoteError(text.rstrip("."), missing=missing)
        return answer

    def _describe_death(self, process: subprocess.Popen[bytes]) -> str:
        """Describe the end of the process: its status and the end of what it complained."""
        status = _end(process)
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip()
        return (
            f"The process of {self._label} died (status {status}). "
            f"{' '.join(said[-SHOWN_ERROR_BYTES:].split())}"
        ).strip()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        self._errors.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()


class RemoteCalculator(Calculator):  # type: ignore[misc]
    """ASE calculator whose potential computes in a process of another environment.

    Args:
        python: interpreter of that environment.
        potential: what to make there, see ``serve``.
        label: name of the potential, for messages.

    Raises:
        InputError: there is no such interpreter.
        RemoteError: the potential cannot be made there.
        PotentialDiedError: the process died on the way.
    """

    def __init__(self, python: str, potential: Mapping[str, Any], *, label: str) -> None:
        super().__init__()
        self.process = RemoteProcess(python, label)
        try:
            answer, _ = self.process.ask({"request": "make", **potential})
        except BaseException:
            self.process.close()
            raise
        self.implemented_properties = [str(name) for name in answer["properties"]]
        self._with_stress = False

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Any = all_changes,
    ) -> None:
        """Compute energy and forces, and the stress once it was requested.

        Args:
            atoms: as ASE passes them.
            properties: names of what is requested, as ASE passes them.
            system_changes: names of what changed since the last call, as ASE passes them.

        Raises:
            RemoteError: the potential failed.
            PotentialDiedError: its process died.
        """
        super().calculate(atoms, properties, system_changes)
        self._with_stress |= "stress" in properties
        found = self._evaluate([self.atoms], stress=self._with_stress)
        self.results = {"energy": float(found["energies"][0]), "forces": found["forces0"]}
        self.results["free_energy"] = self.results["energy"]
        if self._with_stress:
            self.results["stress"] = found["stress0"]

    def evaluate_cells(self, cells: Sequence[Atoms]) -> list[EnergyAndForces]:
        """Compute energies and forces of cells, in one pass where the model there can.

        Args:
            cells: periodic cells.

        Raises:
            RemoteError: the potential failed.
            PotentialDiedError: its process died.
        """
        found = self._evaluate(cells, stress=False)
        return [(float(found["energies"][at]), found[f"forces{at}"]) for at in range(len(cells))]

    def _evaluate(self, cells: Sequence[Atoms], *, stress: bool) -> dict[str, Any]:
        arrays: dict[str, Any] = {}
        for at, cell in enumerate(cells):
            arrays |= {
                f"numbers{at}": cell.numbers,
                f"positions{at}": cell.positions,
                f"cell{at}": np.array(cell.cell),
                f"periodic{at}": np.array(cell.pbc, dtype=np.int64),
            }
        header = {"request": "evaluate", "cells": len(cells), "stress": stress}
        return self.process.ask(header, arrays)[1]


def take_inventory(python: str, packages: Mapping[str, str]) -> dict[str, Any]:
    """Find which packages an environment holds; nothing is imported there.

    Args:
        python: interpreter of the environment.
        packages: module → distribution.

    Returns:
        Module → folder and version, of what is there.

    Raises:
        InputError: there is no such interpreter, or it cannot run.
    """
    process = RemoteProcess(python, "the inventory")
    try:
        answer, _ = process.ask({"request": "inventory", "packages": dict(packages)})
    except (RemoteError, PotentialDiedError) as error:
        raise InputError(f"The environment cannot be used: {error}") from error
    finally:
        process.close()
    found: dict[str, Any] = answer["found"]
    return found


def _start(python: str, errors: Any) -> subprocess.Popen[bytes]:
    """Start the process; ``-I`` keeps this environment's modules out of the other one.

    Raises:
        InputError: there is no such interpreter.
    """
    try:
        return subprocess.Popen(
            [str(Path(python).expanduser()), "-I", "-c", BOOT, str(STANDALONE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,  # a Ctrl-C of the terminal is the parent's to handle
        )
    except OSError as error:
        raise InputError(
            f"There is no Python interpreter {python} ({error.strerror}); name the one of the "
            "potential's environment, such as ~/envs/mace/bin/python."
        ) from error


def _end(process: subprocess.Popen[bytes]) -> int:
    """Close the streams of a process and wait for its end; kill it where it does not come."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    try:
        return process.wait(END_WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
