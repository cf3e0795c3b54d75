"""What finished MD runs say of a candidate: a table of all, and columns for its row.

Runs of one cell, engine and protocol belong together; cells with other defects are never mixed.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dualion.results.columns import MD, Row
from dualion.results.md.agreement import (
    DISAGREE,
    Comparison,
    Group,
    agreement_share,
    compare_potentials,
)
from dualion.results.md.species import diffusion_of
from dualion.results.store import MdRun
from dualion.results.tables import guard_cell
from dualion.screening.transport.arrhenius import arrhenius
from dualion.screening.transport.replicas import combine_replicas
from dualion.screening.transport.self_diffusion.coefficient import Diffusion
from dualion.structures.errors import InputError

REFERENCE_K = 600.0
"""D of a row is that of the temperature nearest to this one; the published proof ran at it, K."""

PERFECT = "perfect"
COLUMNS = (
    "key", "source_id", "formula", "cell", "engine", "protocol", "temperature_k", "replica",
    "state", "reason", "production_ps", "species", "n_ions", "verdict", "d_cm2_s",
    "d_error_cm2_s", "d_low_cm2_s", "d_high_cm2_s", "d_upper_cm2_s",
    "n_eff", "lindemann", "flags", "place",
)  # fmt: skip
"""Columns of ``md_runs.csv``: one row a run and species; units are in the names."""


def results_of(transport: Mapping[str, Any]) -> dict[str, Any]:
    """Select what the store keeps of a run's ``transport.json``."""
    kept = ("species", "transport", "transport_without_rotors", "rotation", "flags", "framework")
    results = {name: transport.get(name) for name in kept}
    drop = ("van_hove", "density_paths", "density_barriers_ev", "hops", "principal_axes")
    results["species"] = [
        {key: value for key, value in species.items() if key not in drop}
        for species in transport["species"]
    ]
    results["length_ps"] = (transport["n_frames"] - 1) * transport["frame_step_ps"]
    return results


def runs_csv(runs: Iterable[MdRun]) -> str:
    """Write ``md_runs.csv``; a run without results has a row without species."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for run in runs:
        shared = {
            **{name: getattr(run, name) for name in COLUMNS if hasattr(run, name)},
            "protocol": run.spec["protocol"]["name"],
            "production_ps": run.results.get("length_ps"),
        }
        for species in run.results.get("species") or [{}]:
            flags = [*(species.get("flags") or ()), *(run.results.get("flags") or ())]
            row = {
                **shared,
                **species,
                **_supported(species),
                "flags": ";".join(dict.fromkeys(flags)),
            }
            writer.writerow({key: _plain(value) for key, value in row.items()})
    return text.getvalue()


def _supported(species: Mapping[str, Any]) -> dict[str, Any]:
    """Return D of what diffuses, the limit of what does not; analyses of older versions gave both.

    Args:
        species: of ``transport.json``; empty for a run without results.
    """
    verdict = species.get("verdict")
    if verdict is None or verdict == "diffusing":
        return {}
    empty = dict.fromkeys(("d_cm2_s", "d_error_cm2_s", "d_low_cm2_s", "d_high_cm2_s"))
    return empty | {"d_upper_cm2_s": upper_of(species)}


def upper_of(species: Mapping[str, Any]) -> float | None:
    """Return the upper limit of D of an ion of ``transport.json``, cm²/s; None without one.

    Args:
        species: the ion; older analyses have the upper end of the interval alone.
    """
    if species.get("verdict") in (None, "diffusing"):
        return None
    value = species.get("d_upper_cm2_s", species.get("d_high_cm2_s"))
    known = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if known and value is not None else None


def _plain(value: object) -> object:
    if isinstance(value, str):
        return guard_cell(value)
    return f"{value:.6g}" if isinstance(value, float) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ion:
    """D of one ion over the temperatures of a group, replicas combined."""

    by_temperature: Mapping[float, Diffusion]

    def resolved(self) -> bool:
        """Tell whether the ion diffuses beyond doubt at one temperature at least."""
        return any(d.verdict == "diffusing" for d in self.by_temperature.values())


def group_by_structure(runs: Iterable[MdRun]) -> dict[str, list[MdRun]]:
    """Group runs by the structure key of their rows."""
    found: dict[str, list[MdRun]] = {}
    for run in runs:
        found.setdefault(run.structure_key, []).append(run)
    return found


def md_columns_of(row: Row, by_structure: Mapping[str, list[MdRun]]) -> Row:
    """Find the MD columns of a candidate's row; none where its structure has no run.

    Args:
        row: a row of ``candidates.csv``.
        by_structure: runs by structure key, of ``group_by_structure``.
    """
    runs = by_structure.get(str(row.get("key") or "").split("-")[0], [])
    return md_columns(runs, str(row["cation"]), str(row["anion"])) if runs else {}


def md_columns(runs: Sequence[MdRun], cation: str, anion: str) -> Row:
    """MD columns of a candidate's row.

    The cell is the one in which more of the two ions surely diffuse; of equals the perfect one,
    then the one with more temperatures, then the one that was run longer. Where several potentials
    computed that cell, the columns are of the one with which fewer ions surely diffuse.

    Args:
        runs: all runs of its structure.
        cation, anion: ions of the row, such as Li+ and I-.
    """
    groups = _group_runs(runs)
    if not groups:
        return {column.key: None for column in MD}
    chosen = max(groups, key=lambda group: _merit(groups[group], cation, anion))
    rivals = [group for group in groups if group[1:] == chosen[1:]]
    if len({group[0] for group in rivals}) > 1:
        chosen = min(rivals, key=lambda group: _merit(groups[group], cation, anion)[0])
    row = _columns(groups[chosen], cation, anion)
    return row | _agreement_columns(row, groups, compare_runs(runs, cation, anion))


def _group_runs(runs: Iterable[MdRun]) -> dict[Group, list[MdRun]]:
    """Group finished runs by engine, cell and protocol."""
    groups: dict[Group, list[MdRun]] = {}
    for run in runs:
        if run.state == "done" and run.results:
            group = (run.engine, run.cell, str(run.spec["protocol"]["name"]))
            groups.setdefault(group, []).append(run)
    return groups


def compare_runs(runs: Iterable[MdRun], cation: str, anion: str) -> list[Comparison]:
    """Compare the potentials with which the same cells of a structure were computed.

    Args:
        runs: all runs of the structure.
        cation, anion: ions of the row, such as Li+ and I-.
    """
    return compare_potentials(
        {
            group: {name: _ion(members, name).by_temperature for name in (cation, anion)}
            for group, members in _group_runs(runs).items()
        }
    )


def _agreement_columns(row: Row, groups: Iterable[Group], comparisons: Sequence[Comparison]) -> Row:
    """Columns of several potentials; of one alone they stay empty."""
    if not comparisons:
        return {"md_potentials": None, "md_agreement": None}
    flags = [str(row["md_flags"])] if row["md_flags"] else []
    if any(one.agree is False for one in comparisons):
        flags.append(DISAGREE)
    return {
        "md_potentials": ";".join(dict.fromkeys(engine for engine, *_ in groups)),
        "md_agreement": agreement_share(comparisons),
        "md_flags": ";".join(flags),
    }


def _merit(runs: Sequence[MdRun], cation: str, anion: str) -> tuple[int, bool, int, float]:
    sure = sum(_ion(runs, name).resolved() for name in (cation, anion))
    temperatures = len({run.temperature_k for run in runs})
    return sure, runs[0].cell == PERFECT, temperatures, _length_ps(runs)


def _length_ps(runs: Sequence[MdRun]) -> float:
    return float(sum(run.results["length_ps"] for run in runs))


def _columns(runs: Sequence[MdRun], cation: str, anion: str) -> Row:
    temperatures = sorted({run.temperature_k for run in runs})
    reference = min(temperatures, key=lambda t: (abs(t - REFERENCE_K), t))
    flags = [flag for run in runs for flag in run.results.get("flags") or ()]
    row: Row = {
        "md_engine": runs[0].engine,
        "md_cell": runs[0].cell,
        "md_temperatures_k": ";".join(f"{t:g}" for t in temperatures),
        "md_reference_k": reference,
        "md_runs": len(runs),
        "md_production_ps": _length_ps(runs),
    }
    for kind, name in (("cation", cation), ("anion", anion)):
        ion = _ion(runs, name)
        row |= {f"md_{key}": value for key, value in _ion_columns(ion, kind, reference).items()}
        found = ion.by_temperature.get(reference)
        flags += found.flags if found else ()
    row["md_flags"] = ";".join(dict.fromkeys(flags))
    return row


def _ion_columns(ion: _Ion, kind: str, reference_k: float) -> Row:
    """Collect D with its error or its limit, verdict and activation energy of one ion."""
    found = ion.by_temperature.get(reference_k)
    row: Row = {f"verdict_{kind}": found.verdict if found else None}
    if found and found.resolved:
        row |= {f"d_{kind}_cm2_s": found.d_cm2_s, f"d_{kind}_error_cm2_s": found.error_cm2_s}
    elif found and math.isfinite(found.upper_cm2_s):
        row[f"d_{kind}_upper_cm2_s"] = found.upper_cm2_s
    if found and math.isfinite(found.n_eff):
        row[f"n_eff_{kind}"] = found.n_eff

    points = [(t, d) for t, d in sorted(ion.by_temperature.items()) if d.resolved]
    try:
        fit = arrhenius(
            [t for t, _ in points],
            [d.d_cm2_s for _, d in points],
            [d.error_cm2_s for _, d in points],
        )
    except InputError:  # fewer than two temperatures with a resolved D
        return row
    return row | {f"ea_{kind}_ev": fit.activation_energy_ev, f"ea_{kind}_error_ev": fit.error_ev}


def _ion(runs: Sequence[MdRun], name: str) -> _Ion:
    by_temperature: dict[float, list[Diffusion]] = {}
    for run in runs:
        species = _species(run.results["species"], name)
        if species is not None:
            by_temperature.setdefault(run.temperature_k, []).append(diffusion_of(species))
    return _Ion(by_temperature={t: combine_replicas(parts) for t, parts in by_temperature.items()})


def _species(species: Sequence[Mapping[str, Any]], ion: str) -> Mapping[str, Any] | None:
    """Find an ion among the species; of an element that is both, its free part."""
    symbol = ion.rstrip("+-0123456789.")
    by_name = {str(one["species"]): one for one in species}
    for name in (symbol, f"{symbol}(free)", f"{symbol}(bound)"):
        if name in by_name:
            return by_name[name]
    return None
