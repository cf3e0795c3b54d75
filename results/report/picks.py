"""The ten compounds that a reader should look at first, each with its reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dualion.results.columns import Row
from dualion.results.reasons import reasons
from dualion.results.run_folder import Identity, identity

PICKED = 10
_MATERIAL = re.compile(r"(?:^|[;#])(mp-\d{1,9})(?=$|[;~])")
MATERIAL_PAGE = "https://next-gen.materialsproject.org/materials/"


def picks(candidates: Sequence[Row], places: Mapping[Identity, int]) -> list[dict[str, Any]]:
    """Choose the best candidate of each of the first compounds.

    Args:
        candidates: rows of ``candidates.csv`` by rank.
        places: place of each pair in the page's table.

    Returns:
        For each compound the place of its row, what speaks for and against it, and how many
        further candidates are of the same composition.
    """
    chosen: dict[str, Row] = {}
    counts: dict[str, int] = {}
    for row in candidates:
        name = str(row.get("reduced_formula") or row.get("source_id"))
        counts[name] = counts.get(name, 0) + 1
        if identity(row) in places and len(chosen) < PICKED:
            chosen.setdefault(name, row)
    found = []
    for name, row in chosen.items():
        told = reasons(row)
        found.append(
            {
                "row": places[identity(row)],
                "for": list(told.speaks_for),
                "against": list(told.against),
                "others": counts[name] - 1,
            }
        )
    return found


def material_links(rows: Sequence[Row]) -> dict[str, str]:
    """Return the Materials Project page of each structure that has a material id there.

    Args:
        rows: rows of the table; their ``source_id`` or ``linked_ids`` may hold ``mp-…``.

    Returns:
        The material id by the structure's id.
    """
    found: dict[str, str] = {}
    for row in rows:
        for key in ("source_id", "linked_ids"):
            match = _MATERIAL.search(str(row.get(key) or ""))
            if match:
                found.setdefault(str(row.get("source_id")), match.group(1))
    return found
