"""Providers of OPTIMADE that are known by name, and what their own properties mean."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from dualion.structures.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider.

    Attributes:
        name: short name, or the host where only an address was given.
        base_url: address, with or without version.
        licence: licence of its content, in a few words.
        theoretical: True where all its structures are computed, False where all are observed.
        properties: names of its own properties and the metadata that they stand for.
        is_listed: False for a provider that was given by its address.
    """

    name: str
    base_url: str
    licence: str = "see the provider"
    theoretical: bool | None = None
    properties: dict[str, str] = field(default_factory=dict)
    is_listed: bool = True


_HULL, _GAP, _FORMATION = (
    "energy_above_hull_ev_atom",
    "band_gap_ev",
    "formation_energy_ev_atom",
)

PROVIDERS = {
    provider.name: provider
    for provider in (
        Provider(
            name="mp",
            base_url="https://optimade.materialsproject.org",
            licence="CC BY 4.0, Materials Project (cite 10.1063/1.4812323)",
        ),
        Provider(
            name="cod",
            base_url="https://www.crystallography.net/cod/optimade",
            licence="CC0, Crystallography Open Database (cite 10.1107/S0021889809016690)",
            theoretical=False,
        ),
        Provider(
            name="tcod",
            base_url="https://www.crystallography.net/tcod/optimade",
            licence="CC0, Theoretical Crystallography Open Database",
            theoretical=True,
        ),
        Provider(
            name="alexandria",
            base_url="https://alexandria.icams.rub.de/pbe",
            licence="CC BY 4.0, Alexandria (cite 10.1002/adma.202210788)",
            theoretical=True,
            properties={
                "_alexandria_hull_distance": _HULL,
                "_alexandria_band_gap": _GAP,
                "_alexandria_formation_energy_per_atom": _FORMATION,
            },
        ),
        Provider(
            name="oqmd",
            base_url="https://oqmd.org/optimade",
            licence="CC BY 4.0, OQMD (cite 10.1007/s11837-013-0755-4)",
            properties={
                "_oqmd_stability": _HULL,
                "_oqmd_band_gap": _GAP,
                "_oqmd_delta_e": _FORMATION,
            },
        ),
        Provider(
            name="jarvis",
            base_url="https://jarvis.nist.gov/optimade/jarvisdft",
            licence="public domain in the US, JARVIS-DFT (cite 10.1038/s41524-020-00440-1)",
            properties={
                "_jarvis_ehull": _HULL,
                "_jarvis_optb88vdw_bandgap": _GAP,
                "_jarvis_formation_energy_peratom": _FORMATION,
            },
        ),
        Provider(name="nomad", base_url="https://nomad-lab.eu/prod/v1/optimade"),
        Provider(name="odbx", base_url="https://optimade.odbx.science"),
    )
}
"""By name; addresses as the list of providers at https://providers.optimade.org gives them."""


_PROPERTY_NAMES = {
    _HULL: r"(energy_above_hull|e_above_hull|above_hull|hull_distance|ehull)",
    _GAP: r"(band_gap|bandgap)",
    _FORMATION: r"formation_energy_per_?atom",
    "theoretical": r"theoretical",
}


def recognised_properties(names: Iterable[object]) -> dict[str, str]:
    """Properties with a provider's prefix whose names say what they are.

    Args:
        names: names that the provider lists, for example ``_exmpl_band_gap``.

    Returns:
        Names of the provider and the metadata that they stand for.
    """
    found: dict[str, str] = {}
    for name in sorted(str(name) for name in names):
        for ours, pattern in _PROPERTY_NAMES.items():
            if ours not in found.values() and re.fullmatch(rf"_[a-z0-9]+_{pattern}", name):
                found[name] = ours
    return found


def provider_of(text: str) -> Provider:
    """A provider by name or address.

    Raises:
        InputError: the name is not known, or the address is none.
    """
    if text in PROVIDERS:
        return PROVIDERS[text]
    if "://" in text:
        return _by_address(text)
    close = difflib.get_close_matches(text, PROVIDERS, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Known are {', '.join(PROVIDERS)}."
    raise InputError(
        f"{text!r} is no known OPTIMADE provider. {hint} Or give the address of one (https://…)."
    )


def _by_address(text: str) -> Provider:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and not parts.username
        port = f"_{parts.port}" if good and parts.port else ""
    except ValueError:
        good, port = False, ""
    if not good or parts.query or parts.fragment:
        raise InputError(
            "The address of an OPTIMADE provider must look like https://host/path, without a "
            "login or a query in it."
        )
    path = parts.path.strip("/").replace("/", "_")
    name = "_".join(part for part in (f"{parts.hostname}{port}", path) if part)
    return Provider(name=name, base_url=text, is_listed=False)
