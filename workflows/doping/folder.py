"""The files of a doping. Each finished configuration has a small JSON file with its outcome.

Files are replaced atomically; the JSON of an outcome is written last, so that the files that it
names exist.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from ase.io.extxyz import write_extxyz
from numpy.typing import NDArray

from dualion.results.tables import guard_cell
from dualion.screening.doping.configurations import DopedConfigurations
from dualion.screening.doping.doping_plan import DopingPlan
from dualion.structures.conversion import cif_text, to_atoms
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import symbol
from dualion.structures.errors import InputError
from dualion.structures.ordered_ranking import OrderedRanking
from dualion.structures.text import json_text
from dualion.workflows.doping.records import (
    HOST,
    DopeRequest,
    DopeResult,
    Outcome,
    find_lowest,
    format_name,
)
from dualion.workflows.doping.relaxation import Relaxation, RelaxOptions
from dualion.workflows.execution.files import write_text

COLUMNS = (
    "rank",
    "configuration",
    "energy_ev",
    "energy_ev_atom",
    "above_lowest_ev",
    "degeneracy",
    "estimate_ev",
    "status",
    "reason",
    "steps",
    "largest_force_ev_angstrom",
    "volume_cubic_angstrom",
    "seconds",
    "file",
)
"""Columns of ``configurations.csv``."""
PACKAGES = ("ase", "pymatgen", "spglib", "numpy", "chgnet", "sevenn", "torch")
"""Packages whose versions affect the numbers."""


class DopeFolder:
    """The files of one doping.

    Args:
        folder: where they are.
        request: host, change, limits.
        plan: supercell and amounts.
        found: the configurations.
        ordering: how a disordered host was ordered; None of an ordered one.
    """

    def __init__(
        self,
        folder: Path,
        request: DopeRequest,
        plan: DopingPlan,
        found: DopedConfigurations,
        ordering: OrderedRanking | None = None,
    ) -> None:
        self.folder = folder
        self.request = request
        self.plan = plan
        self.found = found
        self.ordering = ordering

    def start(self) -> None:
        """Write the unrelaxed structures and ``dope.json``.

        Raises:
            InputError: the folder holds a doping of another request, or cannot be written to.
        """
        before = _read_json(self.folder / "dope.json")
        now = self._describe()
        if before is not None and before.get("request") != now["request"]:
            old = before.get("request")
            changed = [
                key
                for key, value in now["request"].items()
                if not isinstance(old, dict) or old.get(key) != value
            ]
            raise InputError(
                f"{self.folder} holds another doping, with another {', '.join(changed)}; choose "
                "another --output."
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_text(self.folder / "dope.json", _format_json({**now, "state": "unfinished"}))
            write_text(self.folder / f"{HOST}.cif", cif_text(self.found.host))
            for number, one in enumerate(self.found.configurations, start=1):
                path = self.folder / f"{format_name(number)}.cif"
                write_text(path, cif_text(one.configuration.crystal))
        except OSError as error:
            raise InputError(
                f"Cannot write to {self.folder}: {error.strerror}. Choose another --output."
            ) from error

    def load_outcome(self, name: str, crystal: IonicCrystal) -> Outcome | None:
        """Load the outcome of an earlier run of the same structure and limits.

        Args:
            name: of the configuration.
            crystal: its unrelaxed structure.

        Returns:
            None where there is none that is complete.
        """
        stored = _read_json(self.folder / f"{name}.json")
        if stored is None or stored.get("key") != self._key(crystal):
            return None
        try:
            outcome = Outcome(**stored["outcome"])
        except (KeyError, TypeError):
            return None
        ended = outcome.status in ("relaxed", "not_converged", "failed")
        return outcome if ended and (self.folder / outcome.file).is_file() else None

    def save_outcome(
        self, outcome: Outcome, crystal: IonicCrystal, relaxed: Relaxation | None
    ) -> None:
        """Write one outcome, its JSON last, so that it exists only where all files do.

        Args:
            outcome: of the configuration.
            crystal: its unrelaxed structure.
            relaxed: its relaxation; None where that failed.

        Raises:
            OSError: the disk refuses.
        """
        if relaxed is not None:
            write_text(self.folder / outcome.file, cif_text(relaxed.crystal))
            text = _format_extxyz(relaxed.crystal, outcome)
            write_text(self.folder / outcome.file.replace(".cif", ".extxyz"), text)
        stored = {"key": self._key(crystal), "outcome": asdict(outcome)}
        write_text(self.folder / f"{outcome.name}.json", _format_json(stored))

    def finish(self, result: DopeResult) -> None:
        """Write the table, the lowest configuration, and the finished ``dope.json``."""
        lowest = find_lowest(result.outcomes)
        if lowest is not None:
            for ending in ("cif", "extxyz"):
                source = self.folder / lowest.file.replace(".cif", f".{ending}")
                write_text(self.folder / f"lowest.{ending}", source.read_text(encoding="utf-8"))
        _write_csv(self.folder / "configurations.csv", result.outcomes)
        state = "finished" if result.complete else "unfinished"
        more = {
            "state": state,
            "lowest": lowest.name if lowest else "",
            "host": asdict(result.host),
            "outcomes": [asdict(outcome) for outcome in result.outcomes],
        }
        write_text(self.folder / "dope.json", _format_json({**self._describe(), **more}))

    def _key(self, crystal: IonicCrystal) -> str:
        """Hash of everything that an outcome depends on."""
        request = self.request
        arrays = [np.round(crystal.cell, 6), np.round(crystal.frac, 6), crystal.numbers]
        parts = [array.tolist() for array in arrays]
        parts += [asdict(request.relaxation or RelaxOptions()), request.engine, request.model_path]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    def _describe(self) -> dict[str, Any]:
        request, plan, found = self.request, self.plan, self.found
        relaxation = asdict(request.relaxation) if request.relaxation else None
        return {
            "request": {
                "host": request.name,
                "change": request.unit.name,
                "x": request.x,
                "configurations": request.configurations,
                "seed": request.doping.seed,
                "most_atoms": request.doping.most_atoms,
                "smallest_width_angstrom": request.doping.smallest_width_angstrom,
                "relaxation": relaxation,
                "engine": request.engine if relaxation else "",
                "model_path": request.model_path,
            },
            "x_reached": plan.x_reached,
            "formula_unit": plan.formula_unit,
            "formula_units": plan.formula_units,
            "units": plan.units,
            "atoms": len(found.configurations[0].configuration.crystal.numbers),
            "supercell_matrix": plan.supercell.matrix.tolist(),
            "supercell_of": "primitive cell",
            "primitive_cell_angstrom": _primitive_cell(found, plan).tolist(),
            "widths_angstrom": plan.supercell.widths_angstrom.tolist(),
            "lengths_angstrom": plan.supercell.lengths_angstrom.tolist(),
            "wide_enough": plan.supercell.wide_enough,
            "charges_e": _mean_charges(found),
            "ways": found.combinations,
            "distinct": found.distinct if found.distinct >= 0 else "too many to count",
            "looked_at": found.looked_at,
            "sites": [
                {
                    "ion": str(ion),
                    "multiplicity": site.multiplicity,
                    "frac": site.positions[0].tolist(),
                    "energy_ev": site.energy_ev,
                    "share_of_radii": site.share,
                    "nearest_angstrom": site.nearest_angstrom,
                    "nearest_element": site.nearest_element,
                    "origin": site.origin,
                }
                for ion, sites in found.sites.items()
                for site in sites
            ],
            "ordering": _describe_ordering(self.ordering),
            "versions": _list_versions(),
        }


def _primitive_cell(found: DopedConfigurations, plan: DopingPlan) -> NDArray[np.float64]:
    return np.linalg.inv(plan.supercell.matrix) @ found.host.cell


def _mean_charges(found: DopedConfigurations) -> dict[str, float]:
    """Mean oxidation state of each element of the doped cell, e."""
    crystal = found.configurations[0].configuration.crystal
    return {
        symbol(z): float(crystal.charges[crystal.numbers == z].mean())
        for z in sorted({int(n) for n in crystal.numbers})
    }


def _describe_ordering(ranking: OrderedRanking | None) -> dict[str, Any] | None:
    """Describe how a disordered host was ordered."""
    if ranking is None:
        return None
    return {
        "draws": ranking.draws,
        "distinct": len(ranking.ranked),
        "ewald_ev": ranking.ranked[0].ewald_ev,
        "wanted": ranking.wanted,
        "placed": ranking.placed,
    }


def _list_versions() -> dict[str, str]:
    found = {}
    for package in ("dualion", *PACKAGES):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _format_extxyz(crystal: IonicCrystal, outcome: Outcome) -> str:
    """Format the crystal as extended XYZ with its energy."""
    atoms = to_atoms(crystal)
    atoms.info.update(
        {"energy_ev": outcome.energy_ev, "configuration": outcome.name, "status": outcome.status}
    )
    text = io.StringIO()
    write_extxyz(text, atoms)
    return text.getvalue()


def _write_csv(path: Path, outcomes: Sequence[Outcome]) -> None:
    energies = [outcome.energy_ev for outcome in outcomes if np.isfinite(outcome.energy_ev)]
    lowest = min(energies, default=float("nan"))
    lines = []
    for rank, outcome in enumerate(outcomes, start=1):
        known = bool(np.isfinite(outcome.energy_ev))
        lines.append(
            (
                rank if known else "",
                outcome.name,
                _format_number(outcome.energy_ev, 6),
                _format_number(outcome.energy_ev / outcome.atoms, 6),
                _format_number(outcome.energy_ev - lowest, 6),
                outcome.degeneracy,
                _format_number(outcome.estimate_ev, 4),
                outcome.status,
                outcome.reason,
                outcome.steps,
                _format_number(outcome.largest_force_ev_angstrom, 4),
                _format_number(outcome.volume_cubic_angstrom, 3),
                _format_number(outcome.seconds, 1),
                outcome.file,
            )
        )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([guard_cell(v) if isinstance(v, str) else v for v in line] for line in lines)
    write_text(path, text.getvalue())


def _format_number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else ""


def _format_json(value: object) -> str:
    return json_text(value, indent=1) + "\n"


def _read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; None where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
