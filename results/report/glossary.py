"""Licences of the sources, and what to cite."""

from __future__ import annotations

SOURCES: dict[str, str] = {
    "file": "The user's own files; their licence applies.",
    "icsd": "ICSD, FIZ Karlsruhe: licensed. Coordinates are left out of this page and must not be "
    "passed on.",
    "materials_project": "Materials Project, CC BY 4.0; cite 10.1063/1.4812323.",
    "optimade": "An OPTIMADE provider; see its licence.",
    "optimade:cod": "Crystallography Open Database, CC0; cite 10.1107/S0021889809016690.",
}

CITATIONS: tuple[str, ...] = (
    "Criterion: Cen et al., Adaptive interphase enabled pressure-free all-solid-state lithium "
    "metal batteries, Nat. Sustain. (2025).",
    "Parameters: Chen, Wong & Adams, Acta Cryst. B 75, 18 (2019), 10.1107/S2052520618015718, as "
    "shipped in bvlain.",
    "Software: dualion, with the version named here.",
    "3D viewer in this page: Rego & Koes, Bioinformatics 31, 1322 (2015), "
    "10.1093/bioinformatics/btu829 (3Dmol.js, BSD-3-Clause).",
)
