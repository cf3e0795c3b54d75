"""Which sources can be used here, and what the others lack. Nothing is requested but on demand."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec

from dualion.structures.sources.cache import Cache
from dualion.structures.sources.errors import SourceError
from dualion.structures.sources.http.session import HttpClient, HttpPolicy
from dualion.structures.sources.icsd.api import ENDPOINT as ICSD_ENDPOINT
from dualion.structures.sources.materials_project.client import ENDPOINT as MP_ENDPOINT
from dualion.structures.sources.optimade.providers import PROVIDERS
from dualion.structures.sources.secrets import (
    MP_KEY_LENGTH,
    find_icsd_login,
    find_materials_project_key,
    keyring_is_usable,
)

ONLINE_POLICY = HttpPolicy(attempts=1, connect_timeout_s=5.0, read_timeout_s=10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one source.

    Attributes:
        source: what the user writes to use it.
        usable: whether it can be used here and now.
        detail: one sentence: what was found, or what is missing and how to get it.
    """

    source: str
    usable: bool
    detail: str


def examine_sources(cache: Cache, *, online: bool = False) -> list[Finding]:
    """One finding for each kind of source, and one for the cache.

    Args:
        cache: the cache that would be used.
        online: also try whether the services answer; one small request each.
    """
    return [
        Finding(source="file", usable=True, detail="files, folders, globs and archives are read."),
        Finding(
            source="icsd",
            usable=True,
            detail="CIFs exported from the ICSD's web page are read; no login is needed.",
        ),
        _icsd_api(online=online),
        _materials_project(online=online),
        *_optimade(online=online),
        _cache(cache),
    ]


def _icsd_api(*, online: bool) -> Finding:
    login = find_icsd_login()
    if login is None:
        store = "" if keyring_is_usable() else " (a keyring needs: pip install 'dualion[keyring]')"
        return Finding(
            source="icsd-api",
            usable=False,
            detail="no login found: set ICSD_USERNAME and ICSD_PASSWORD, or store icsd_username "
            f"and icsd_password in the keyring under 'dualion'{store}; it needs an API licence.",
        )
    found = f"user name from {login.user.found_in}, password from {login.password.found_in}."
    return _reached("icsd-api", found, ICSD_ENDPOINT, online=online)


def _materials_project(*, online: bool) -> Finding:
    if find_spec("mp_api") is None:
        return Finding(
            source="mp", usable=False, detail="the package mp-api is missing: pip install mp-api."
        )
    key = find_materials_project_key()
    if key is None:
        return Finding(
            source="mp",
            usable=False,
            detail="no API key found: get a free one at "
            "https://next-gen.materialsproject.org/api and set MP_API_KEY.",
        )
    if len(key.value) != MP_KEY_LENGTH:
        return Finding(
            source="mp",
            usable=False,
            detail=f"the API key from {key.found_in} does not have {MP_KEY_LENGTH} characters; "
            "get a new one at https://next-gen.materialsproject.org/api.",
        )
    endpoint = f"{MP_ENDPOINT}heartbeat"
    return _reached("mp", f"API key from {key.found_in}.", endpoint, online=online)


def _optimade(*, online: bool) -> list[Finding]:
    if not online:
        names = ", ".join(PROVIDERS)
        detail = f"needs no key; providers known by name: {names}. Any other by its address."
        return [Finding(source="optimade", usable=True, detail=detail)]
    return [
        _reached(f"optimade:{name}", "no key needed.", f"{provider.base_url}/v1/info", online=True)
        for name, provider in PROVIDERS.items()
    ]


def _reached(source: str, found: str, url: str, *, online: bool) -> Finding:
    """A finding of a service, with whether it answers if that is asked."""
    if not online:
        return Finding(source=source, usable=True, detail=found)
    client = HttpClient(source=source, policy=ONLINE_POLICY, json_answers=False)
    try:
        client.request("GET", url)
    except SourceError as error:
        # A refusal without a key or a login is an answer, too.
        answers = "HTTP 40" in str(error)
        detail = f"{found} The service answers." if answers else f"{found} {error}"
        return Finding(source=source, usable=answers, detail=detail)
    finally:
        client.close()
    return Finding(source=source, usable=True, detail=f"{found} The service answers.")


def _cache(cache: Cache) -> Finding:
    folder = cache.folder
    existing = next(part for part in (folder, *folder.parents) if part.exists())
    writable = existing.is_dir() and os.access(existing, os.W_OK)
    uses = cache.use()
    held = (
        ", ".join(
            f"{source}: {use.answers} answers, {size(use.stored_bytes)}"
            for source, use in uses.items()
        )
        or "empty"
    )
    detail = f"{folder} ({held})."
    if not writable:
        detail = f"{folder} cannot be written to; set DUALION_CACHE to another folder ({held})."
    return Finding(source="cache", usable=writable, detail=detail)


def size(count: float) -> str:
    """Bytes in a readable unit."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"
