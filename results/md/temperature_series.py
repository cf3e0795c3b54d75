"""D of each ion over the temperatures of a system, from the ``transport.json`` of its runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dualion.results.md.species import diffusion_of
from dualion.results.transport.identity import RunIdentity, read_identity
from dualion.screening.transport.combined import CombinedIon
from dualion.screening.transport.replicas import combine_replicas
from dualion.screening.transport.self_diffusion.coefficient import Diffusion
from dualion.structures.trajectories.types import TEMPERATURE_RAMP

Content = Mapping[str, Any]


def group_by_system(contents: Sequence[Content]) -> list[tuple[RunIdentity, list[Content]]]:
    """Group runs of one cell, engine, potential and protocol; others are never mixed.

    Args:
        contents: each of a ``transport.json``.

    Returns:
        For each group the identity of its first run, and its runs.
    """
    groups: dict[tuple[object, ...], tuple[RunIdentity, list[Content]]] = {}
    for content in contents:
        identity = read_identity(content)
        origin = identity.origin
        key = (
            origin.engine, origin.potential, origin.protocol, origin.defects,
            identity.cell_formula,
        )  # fmt: skip
        groups.setdefault(key, (identity, []))[1].append(content)
    return list(groups.values())


def combined_ions(contents: Sequence[Content]) -> list[CombinedIon]:
    """Combine each ion at each temperature over the runs of one system.

    Where an analysis of several runs is among them, what it found of all of them is taken.

    Args:
        contents: of one group of ``group_by_system``.
    """
    for content in contents:
        if content.get("temperatures"):
            return [_read_combined(one) for one in content["temperatures"]]
        if content.get("arrhenius"):
            return _read_fits(content["arrhenius"])
    steady = [
        content
        for content in contents
        if content.get("temperature_k") is not None
        and TEMPERATURE_RAMP not in (content.get("flags") or ())
    ]
    found: dict[tuple[str, float], list[Diffusion]] = {}
    for content in steady:
        for species in content["species"]:
            key = (str(species["species"]), round(float(content["temperature_k"]), 1))
            found.setdefault(key, []).append(diffusion_of(species))
    return [
        CombinedIon(
            species=name, temperature_k=kelvin, runs=len(parts), diffusion=combine_replicas(parts)
        )
        for (name, kelvin), parts in sorted(found.items(), key=lambda one: one[0][1])
    ]


def _read_combined(one: Mapping[str, Any]) -> CombinedIon:
    known = dict(one)
    if one["verdict"] != "diffusing":
        known["d_high_cm2_s"] = one["d_upper_cm2_s"]
    return CombinedIon(
        species=str(one["species"]),
        temperature_k=float(one["temperature_k"]),
        runs=int(one["runs"]),
        diffusion=diffusion_of(known),
    )


def _read_fits(fits: Mapping[str, Any]) -> list[CombinedIon]:
    """Points of the fits of an older analysis, which lists no others."""
    return [
        _read_combined(
            {
                "species": name, "temperature_k": kelvin, "runs": 1, "verdict": "diffusing",
                "n_ions": 0, "d_cm2_s": d, "d_error_cm2_s": error, "d_low_cm2_s": math.nan,
                "d_high_cm2_s": math.nan,
            }
        )
        for name, fit in fits.items()
        for kelvin, d, error in zip(
            fit["temperatures_k"], fit["d_cm2_s"], fit["error_cm2_s"], strict=True
        )
        if d and error
    ]  # fmt: skip
