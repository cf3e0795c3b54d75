"""The files of one ion's hops: each hop is stored as it is computed, and never computed twice."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase.io.extxyz import write_extxyz

from dualion.structures.atomic_write import replacing_text
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError
from dualion.workflows.execution.files import write_json
from dualion.workflows.neb.hop_barriers import HopBarrier
from dualion.workflows.neb.vacancies import VacancyEnd

LARGEST_BYTES = 50_000_000
REQUEST = "request.json"
HOST = "host.json"
ARRAYS = ("cell", "frac", "numbers", "charges", "occupancies")
"""Arrays of a crystal in a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectEnergy:
    """Energy of a cell with defects, or of a salt.

    Attributes:
        energy_ev: of the cell, or of a formula unit of the salt, eV.
        converged: whether the relaxation reached its force limit.
        what: what was relaxed.
    """

    energy_ev: float
    converged: bool = True
    what: str = ""


@dataclass(frozen=True, slots=True)
class NebFolder:
    """A folder of one structure, or of one of its ions.

    Attributes:
        path: of the folder.
    """

    path: Path

    def claim(self, request: dict[str, Any]) -> None:
        """Keep what is computed here, or require that it is the same as before.

        Raises:
            InputError: the folder holds another calculation, or cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            known = self._read(REQUEST)
            if known is None:
                write_json(self.path / REQUEST, request)
                return
        except OSError as error:
            raise InputError(
                f"Cannot write to {self.path}: {error.strerror}. Choose another --output."
            ) from error
        if known != json.loads(json.dumps(request)):
            changed = sorted(key for key in request if known.get(key) != request[key])
            raise InputError(
                f"{self.path} holds hops of another calculation ({', '.join(changed)} differ); "
                "choose another --output."
            )

    def host(self) -> tuple[IonicCrystal, dict[str, Any]] | None:
        """Return the relaxed host and what is said of its relaxation, if it is there."""
        found = self._read(HOST)
        if found is None:
            return None
        arrays = {name: np.array(found["crystal"][name]) for name in ARRAYS}
        crystal = IonicCrystal(
            cell=arrays["cell"],
            frac=arrays["frac"],
            numbers=arrays["numbers"],
            charges=arrays["charges"],
            occupancies=arrays["occupancies"],
        )
        return crystal, found["about"]

    def save_host(self, crystal: IonicCrystal, about: dict[str, Any]) -> None:
        """Store the relaxed host."""
        arrays = {name: getattr(crystal, name).tolist() for name in ARRAYS}
        write_json(self.path / HOST, {"about": about, "crystal": arrays}, indent=None)

    def ends(self) -> dict[int, VacancyEnd]:
        """Return the relaxed vacancies by their site."""
        found = {}
        for path in sorted(self.path.glob("vacancy-*.json")):
            content = self._read(path.name) or {}
            content["displacements_angstrom"] = np.array(content["displacements_angstrom"])
            found[content["site"]] = VacancyEnd(**content)
        return found

    def save_end(self, end: VacancyEnd) -> None:
        """Store a relaxed vacancy, once."""
        name = f"vacancy-{end.site:04d}.json"
        if (self.path / name).exists():
            return
        content = {
            "site": end.site,
            "energy_ev": end.energy_ev,
            "displacements_angstrom": end.displacements_angstrom.tolist(),
            "converged": end.converged,
            "steps": end.steps,
        }
        write_json(self.path / name, content, indent=None)

    def hops(self) -> dict[int, HopBarrier]:
        """Return the computed hops by their number, without their images."""
        found = {}
        for path in sorted(self.path.glob("hop-*.json")):
            content = self._read(path.name) or {}
            one = HopBarrier(
                hop=content["hop"],
                rises_ev=(_number(content["rises_ev"][0]), _number(content["rises_ev"][1])),
                energies_ev=tuple(content["energies_ev"]),
                largest_force_ev_angstrom=_number(content["largest_force_ev_angstrom"]),
                steps=content["steps"],
                flags=tuple(content["flags"]),
                reason=content["reason"],
            )
            found[one.hop] = one
        return found

    def save_hop(self, barrier: HopBarrier) -> None:
        """Store a hop: its images first, its numbers last."""
        name = f"hop-{barrier.hop:04d}"
        if barrier.images:
            with replacing_text(self.path / f"{name}.extxyz") as handle:
                write_extxyz(handle, list(barrier.images))
        content = {
            "hop": barrier.hop,
            "rises_ev": [_plain(rise) for rise in barrier.rises_ev],
            "energies_ev": list(barrier.energies_ev),
            "largest_force_ev_angstrom": _plain(barrier.largest_force_ev_angstrom),
            "steps": barrier.steps,
            "flags": list(barrier.flags),
            "reason": barrier.reason,
        }
        write_json(self.path / f"{name}.json", content)

    def energy(self, name: str) -> DefectEnergy | None:
        """Return the energy of a cell with defects, if it is there."""
        content = self._read(f"{name}.json")
        return None if content is None else DefectEnergy(**content)

    def save_energy(self, name: str, found: DefectEnergy) -> None:
        """Store the energy of a cell with defects."""
        write_json(self.path / f"{name}.json", asdict(found))

    def _read(self, name: str) -> dict[str, Any] | None:
        """Read a file of plain data; None where there is none.

        Raises:
            InputError: it is damaged.
        """
        path = self.path / name
        if not path.is_file():
            return None
        try:
            if path.stat().st_size > LARGEST_BYTES:
                raise ValueError("it is too large")
            content = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(content, dict):
                raise ValueError("it holds no mapping")
        except (ValueError, OSError) as error:
            raise InputError(
                f"{path} is damaged ({error}); delete it, and it is computed again."
            ) from error
        return content


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
