"""What a candidate's row says of its molecular dynamics, each number with its error, as text."""

from __future__ import annotations

import math

from dualion.results.calibrated import as_number
from dualion.results.columns import Row
from dualion.screening.transport.number_text import diffusion_text, measured_text

Fact = tuple[str, str]


def md_facts(row: Row) -> list[Fact]:
    """Name and text of each thing that the MD columns of a row hold; none without a run.

    Args:
        row: a row of ``candidates.csv``.
    """
    if not row.get("md_engine"):
        return []
    facts = [
        ("MD engine", str(row["md_engine"])),
        ("MD cell", str(row.get("md_cell") or "").replace("_", " ")),
        ("MD temperatures", str(row.get("md_temperatures_k") or "").replace(";", ", ") + " K"),
        ("MD runs", f"{row.get('md_runs')}, {_number(row, 'md_production_ps'):.4g} ps together"),
    ]
    at = f" at {_number(row, 'md_reference_k'):g} K"
    for ion in ("cation", "anion"):
        facts += _ion_facts(row, ion, at)
    flags = str(row.get("md_flags") or "").replace("_", " ").replace(";", ", ")
    return facts + ([("MD flags", flags)] if flags else [])


def _ion_facts(row: Row, ion: str, at: str) -> list[Fact]:
    name, verdict = str(row.get(ion) or ion), row.get(f"md_verdict_{ion}")
    if not verdict:
        return []
    d, error = (_number(row, f"md_d_{ion}{part}_cm2_s") for part in ("", "_error"))
    upper = _number(row, f"md_d_{ion}_upper_cm2_s")
    limit = math.inf if math.isnan(upper) else upper
    facts = [(f"{name}{at}", f"{verdict}, {diffusion_text(str(verdict), d, error, limit)}")]
    jumps = _number(row, f"md_n_eff_{ion}")
    facts += [(f"N_eff of {name}", f"{jumps:.3g}")] if math.isfinite(jumps) else []
    energy, energy_error = (_number(row, f"md_ea_{ion}{part}_ev") for part in ("", "_error"))
    if math.isfinite(energy):
        facts.append((f"E_a of {name}", f"{measured_text(energy, energy_error)} eV"))
    return facts


def _number(row: Row, key: str) -> float:
    return as_number(row.get(key))
