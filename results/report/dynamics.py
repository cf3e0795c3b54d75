"""What ``dualion analyze`` found of a candidate's MD, for its page: heading, tables and curves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from dualion.results.columns import Row
from dualion.results.md.temperature_series import combined_ions, group_by_system
from dualion.results.report.dynamics_plots import (
    arrhenius_plots,
    msd_plots,
    network_plots,
    rdf_plots,
)
from dualion.results.report.dynamics_tables import (
    energies_table,
    tables_of_run,
    temperatures_table,
    words,
)
from dualion.results.transport.identity import RunIdentity, read_identity
from dualion.screening.transport.combined import fit_arrhenius
from dualion.structures.errors import InputError

LARGEST_FILE_BYTES = 30_000_000
MOST_RUNS = 20
"""Runs that a page shows one by one."""
SCHEMA = "dualion-transport-"
MD_FOLDER = "md"
FILES = ("msd.csv", "msd_band.csv", "rdf.csv", "sites.csv", "links.csv", "framework.csv")
"""Files of an analysis that the page reads beside its JSON."""


def analyses_below(folder: Path) -> list[tuple[Path, tuple[str, ...]]]:
    """Find analyses below ``md/`` of a run's folder, with the folders above each.

    An analysis is a folder with ``transport.json``.
    """
    base = folder / MD_FOLDER
    found = sorted(path.parent for path in base.rglob("transport.json")) if base.is_dir() else []
    return [(path, path.relative_to(base).parts) for path in found]


def analyses_of(row: Row, found: Sequence[tuple[Path, tuple[str, ...]]]) -> list[Path]:
    """Select the analyses of a row: a folder above them begins with its structure key.

    Args:
        row: the row of the pair.
        found: analyses of ``analyses_below``.
    """
    key = str(row.get("key") or "").split("-")[0]
    if not key:
        return []
    return [path for path, way in found if any(part.startswith(key) for part in way)]


def summarise_dynamics(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """Summarise analyses for a page: one block a run, then one a system for all its temperatures.

    Args:
        folders: of the analyses; the first are shown one by one, all of them together.

    Raises:
        InputError: a folder holds no analysis, or a damaged one.
    """
    runs = [_read_json(folder / "transport.json") for folder in folders]
    blocks = []
    for content, folder in list(zip(runs, folders, strict=True))[:MOST_RUNS]:
        with _damage_told(folder):
            blocks.append(_run(content, folder))
    if len(runs) > MOST_RUNS:
        blocks[-1]["notes"].append(f"{len(runs) - MOST_RUNS} further runs stand below together.")
    with _damage_told(folders[0].parent if folders else Path()):
        together = [_temperatures(*group) for group in group_by_system(runs)]
    return [*blocks, *(block for block in together if block)]


@contextmanager
def _damage_told(folder: Path) -> Iterator[None]:
    """Say in a sentence that an analysis lacks what it must hold."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder} is damaged ({error}); analyse the run again.") from error


def _read_json(path: Path) -> dict[str, Any]:
    _check_size(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is no valid JSON ({error}); analyse the run again.") from error
    if not isinstance(content, dict) or not str(content.get("schema", "")).startswith(SCHEMA):
        raise InputError(f"{path} was not written by dualion analyze; name its output folder.")
    return content


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(
            f"There is no {path.name} in {path.parent}; name a folder that dualion analyze wrote."
        ) from error
    if size > LARGEST_FILE_BYTES:
        raise InputError(f"{path} is larger than an analysis can be ({size / 1e6:.0f} MB).")


def _run(content: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    for name in FILES:
        if (folder / name).is_file():
            _check_size(folder / name)
    identity = read_identity(content)
    notes = [f"Displacements relative to {content.get('framework')}."]
    if content.get("flags"):
        notes.append(f"Flags: {words(content['flags'])}.")
    plots = [*msd_plots(content, folder), *rdf_plots(folder), *network_plots(content, folder)]
    return {
        "compound": identity.compound,
        "title": identity.conditions(),
        "facts": _facts(identity),
        "notes": notes,
        "tables": tables_of_run(content, folder),
        "plots": plots,
    }


def _facts(identity: RunIdentity) -> list[list[str]]:
    """Name, formula and text of each thing that a run is of; what nobody says is left out."""
    origin = identity.origin
    facts = [
        ["engine", "", origin.engine],
        ["potential", "", origin.potential],
        ["cell", identity.cell_formula, f", {identity.n_atoms} atoms" if identity.n_atoms else ""],
        ["edges", "", identity.edges_text()],
        ["defects", "", identity.defects_text()],
        ["temperature and length", "", identity.conditions()],
        ["time between frames", "", f"{identity.frame_step_ps:.4g} ps"],
        ["protocol", "", origin.protocol],
        ["replica", "", str(origin.replica) if origin.replica else ""],
        ["trajectory", "", identity.source],
    ]
    return [fact for fact in facts if fact[2]]


def _temperatures(identity: RunIdentity, contents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the runs of one system say together; empty for a single temperature and run."""
    points = combined_ions(contents)
    if len({one.temperature_k for one in points}) < 2 and all(one.runs < 2 for one in points):
        return {}
    fits = fit_arrhenius(points)
    tables = [temperatures_table(points), *([energies_table(fits)] if fits else [])]
    several = len({one.temperature_k for one in points}) > 1
    subtitle = replace(identity, origin=replace(identity.origin, replica=0)).subtitle()
    return {
        "compound": identity.compound,
        "title": "temperature dependence" if several else "replicas",
        "facts": [],
        "notes": [f"{subtitle}."] if subtitle else [],
        "tables": tables,
        "plots": arrhenius_plots(points, fits) if several else [],
    }
