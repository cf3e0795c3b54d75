"""Stable phases of a chemical system from the Materials Project, for ``stability``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from itertools import combinations

from dualion.structures.sources.base import Access
from dualion.structures.sources.http.session import DEFAULT_POLICY, HttpPolicy
from dualion.structures.sources.materials_project.client import ENDPOINT, NAME, SummaryClient
from dualion.structures.sources.secrets import materials_project_key
from dualion.structures.stability import Phase

FIELDS = ("material_id", "formula_pretty", "formation_energy_per_atom")


def stable_phases(
    elements: Iterable[str],
    *,
    access: Access,
    endpoint: str = ENDPOINT,
    policy: HttpPolicy = DEFAULT_POLICY,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Phase]:
    """Compounds on the convex hull of a system and of all its subsystems.

    Args:
        elements: symbols, the metal anode's included.
        access: cache and network; the same system is asked for once.
        endpoint: address of the API.
        policy: pauses and limits.
        sleep: how to wait.

    Raises:
        MissingCredentialsError: there is no key and the cache has no answer.
        SourceError: the phases cannot be had.
    """
    symbols = sorted(set(elements))
    systems = [
        "-".join(group)
        for size in range(2, len(symbols) + 1)
        for group in combinations(symbols, size)
    ]
    if not systems:
        return []

    def fetch() -> bytes:
        client = SummaryClient(
            key=materials_project_key(), endpoint=endpoint, policy=policy, sleep=sleep
        )
        try:
            criteria = {"chemsys": systems, "is_stable": True, "include_gnome": False}
            return json.dumps(client.search(criteria, FIELDS)).encode()
        finally:
            client.close()

    key = json.dumps(["stable_phases", endpoint, symbols])
    rows = json.loads(access.answer(NAME, key, fetch).data)
    return [
        Phase(
            formula=str(row["formula_pretty"]),
            formation_energy_ev_atom=float(row["formation_energy_per_atom"]),
        )
        for row in rows
        if row.get("formula_pretty") and row.get("formation_energy_per_atom") is not None
    ]
