"""What a run is of: compound, cell, defects, engine, potential, temperature, for its headings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dualion.screening.transport.report import TransportReport

SEPARATOR = " · "
"""Between the parts of a subtitle."""

PERFECT = "perfect"
"""Name of the cell without defects."""

UNKNOWN = "unknown compound"

PROGRAMS = {"xdatcar": "VASP", "vasprun": "VASP", "cp2k_xyz": "CP2K", "lammps": "LAMMPS"}
"""Format of a trajectory → program that alone writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrigin:
    """What made a trajectory, which its file does not tell; empty where nobody says.

    Attributes:
        engine: program or library that integrated the equations of motion.
        potential: what gave the forces.
        compound: reduced formula of the cell without its defects.
        defects: name of the defects, or ``perfect``.
        protocol: name of the protocol.
        replica: number of the replica, or 0.
    """

    engine: str = ""
    potential: str = ""
    compound: str = ""
    defects: str = ""
    protocol: str = ""
    replica: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """A run's origin, with what its trajectory tells.

    Attributes:
        origin: what made it.
        formula: reduced formula of the cell, with its defects.
        cell_formula: formula of the whole cell.
        n_atoms: number of atoms of the cell.
        edges_angstrom: lengths a, b, c of the mean cell, Å; NaN where unknown.
        angles_deg: angles α, β, γ, degrees.
        temperature_k: K, or NaN.
        length_ps: analysed time, ps.
        frame_step_ps: time between frames, ps.
        source: name of the file.
    """

    origin: RunOrigin
    formula: str
    cell_formula: str
    n_atoms: int
    edges_angstrom: tuple[float, float, float]
    angles_deg: tuple[float, float, float]
    temperature_k: float
    length_ps: float
    frame_step_ps: float
    source: str

    @property
    def compound(self) -> str:
        """Formula for headings: without the defects, where these have a name of their own."""
        return self.origin.compound or self.formula or UNKNOWN

    def conditions(self) -> str:
        """Temperature and length, as in a heading."""
        known = math.isfinite(self.temperature_k)
        at = f"{self.temperature_k:.4g} K" if known else "unknown temperature"
        return f"{at}, {self.length_ps:.4g} ps"

    def edges_text(self) -> str:
        """Edges of the cell, and its angles where one is not right."""
        if not np.isfinite(self.edges_angstrom).all():
            return ""
        text = " × ".join(f"{edge:.2f}" for edge in self.edges_angstrom) + " Å"
        if max(abs(angle - 90.0) for angle in self.angles_deg) < 0.05:
            return text
        return f"{text}, {', '.join(f'{angle:.1f}°' for angle in self.angles_deg)}"

    def defects_text(self) -> str:
        """Defects in words."""
        name = self.origin.defects
        return "none" if name == PERFECT else name.replace("_", " ").replace("salt:", "salt ")

    def subtitle(self) -> str:
        """Engine, potential, cell and defects, as far as they are known, in a line."""
        defects = self.defects_text()
        parts = (
            self.origin.engine,
            self.origin.potential,
            f"{self.n_atoms} atoms",
            self.edges_text(),
            "no defects" if defects == "none" else f"defects: {defects}" if defects else "",
            f"replica {self.origin.replica}" if self.origin.replica > 1 else "",
        )
        return SEPARATOR.join(part for part in parts if part)


def identify_run(report: TransportReport, origin: RunOrigin | None = None) -> RunIdentity:
    """Identify the run of an analysis.

    Args:
        report: the finished analysis.
        origin: what made its trajectory; the program by the file's format alone if not given.
    """
    cell = report.pathlines.cell
    edges = np.linalg.norm(cell, axis=1)
    pairs = ((1, 2), (0, 2), (0, 1))
    cosines = [float(cell[i] @ cell[j] / (edges[i] * edges[j])) for i, j in pairs]
    alpha, beta, gamma = (math.degrees(math.acos(min(1.0, max(-1.0, c)))) for c in cosines)
    counts = _counts((s.name, s.diffusion.n_ions) for s in report.species)
    return RunIdentity(
        origin=origin or RunOrigin(engine=PROGRAMS.get(report.format, "")),
        formula=_formula(counts, reduced=True),
        cell_formula=_formula(counts, reduced=False),
        n_atoms=sum(counts.values()),
        edges_angstrom=(float(edges[0]), float(edges[1]), float(edges[2])),
        angles_deg=(alpha, beta, gamma),
        temperature_k=report.temperature_k,
        length_ps=(report.n_frames - 1) * report.frame_step_ps,
        frame_step_ps=report.frame_step_ps,
        source=report.source,
    )


def _counts(groups: Iterable[tuple[Any, Any]]) -> dict[str, int]:
    """Atoms by element, of groups such as ``S(bound)`` and their numbers of ions."""
    counts: dict[str, int] = {}
    for name, n_ions in groups:
        element = str(name).partition("(")[0]
        counts[element] = counts.get(element, 0) + int(n_ions)
    return counts


def _formula(counts: Mapping[str, int], *, reduced: bool) -> str:
    from pymatgen.core import Composition

    if not counts:
        return ""
    made = Composition(counts)
    return str(made.reduced_formula) if reduced else str(made.formula).replace(" ", "")


def identity_json(identity: RunIdentity) -> dict[str, Any]:
    """Write an identity as plain data."""
    plain = asdict(identity)
    return {**plain.pop("origin"), **plain}


def read_identity(content: Mapping[str, Any]) -> RunIdentity:
    """Read the identity of a run from its ``transport.json``.

    Analyses of older versions hold composition, temperature and length alone.

    Args:
        content: of the file.
    """
    known = content.get("run") or {}
    counts = _counts((s["species"], s.get("n_ions") or 0) for s in content["species"])
    counts = {element: n for element, n in counts.items() if n}
    names = RunOrigin.__dataclass_fields__
    temperature = content.get("temperature_k")
    step_ps = float(content["frame_step_ps"])
    return RunIdentity(
        origin=RunOrigin(**{name: known[name] for name in names if known.get(name)}),
        formula=str(known.get("formula") or _formula(counts, reduced=True)),
        cell_formula=str(known.get("cell_formula") or _formula(counts, reduced=False)),
        n_atoms=int(known.get("n_atoms") or sum(counts.values())),
        edges_angstrom=_three(known.get("edges_angstrom")),
        angles_deg=_three(known.get("angles_deg")),
        temperature_k=math.nan if temperature is None else float(temperature),
        length_ps=float(content["n_frames"] - 1) * step_ps,
        frame_step_ps=step_ps,
        source=str(content.get("source") or ""),
    )


def _three(values: Any) -> tuple[float, float, float]:
    if not isinstance(values, list | tuple) or len(values) != 3:
        return (math.nan,) * 3
    return float(values[0]), float(values[1]), float(values[2])
