"""What every source is: a name, a licence, and an iterator of raw entries and rejections."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from dualion.structures.records import RawEntry, Rejection
from dualion.structures.sources.cache import Cache, CachedAnswer
from dualion.structures.sources.errors import OfflineError, SourceError

Value = str | float | bool | None

METADATA_KEYS: dict[str, type] = {
    "retrieved": str,
    "licence": str,
    "theoretical": bool,
    "temperature_k": float,
    "pressure_gpa": float,
    "r_value": float,
    "year": float,
    "energy_above_hull_ev_atom": float,
    "band_gap_ev": float,
    "is_metal": bool,
    "formation_energy_ev_atom": float,
    "experimental_ids": str,
    "collection_code": str,
    "database_code": str,
    "stated_formula": str,
    "reference": str,
    "last_modified": str,
    "n_sites": float,
    "duplicates": str,
    "properties_from": str,
}
"""Metadata that sources give, and the type of each. ``retrieved`` is an ISO 8601 date or time;
``theoretical`` is True where the structure was computed, never observed; ``r_value`` is a
fraction (0.05, not 5); lists are texts separated by ``; ``."""


class Source(Protocol):
    """A place where structures come from.

    ``entries`` gives every structure that fits the query, as text with metadata, in the same
    order each time; what was found and cannot be used is a ``Rejection`` of stage ``read``.
    ``retrieved`` and ``licence`` are in the metadata of every entry, and ``source_id`` is unique
    within one source. A source that can give nothing at all raises one ``SourceError``, on the
    first ``next`` at the latest; one that breaks off gives rejections for what is left and can
    be asked again, which costs only what is missing.
    """

    @property
    def name(self) -> str:
        """Name of the source in records and tables."""
        ...

    @property
    def licence(self) -> str:
        """Licence of its content, in a few words."""
        ...

    def entries(self) -> Iterator[RawEntry | Rejection]:
        """Everything that fits the query."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a source with a server is used.

    Attributes:
        cache: where answers are kept.
        offline: use the cache alone; nothing is requested.
        refresh: ask the server again for what the cache holds.
        requested: called with the source's name for each answer that came from its server.
    """

    cache: Cache = field(default_factory=Cache)
    offline: bool = False
    refresh: bool = False
    requested: Callable[[str], None] | None = None

    def answer(
        self,
        source: str,
        key: str,
        fetch: Callable[[], bytes],
        *,
        is_valid: Callable[[bytes], bool] = bool,
    ) -> CachedAnswer:
        """The answer to a request, from the cache or else from the server, asked once.

        Args:
            source: name of the source.
            key: the request as text, without secrets; equal keys have equal answers.
            fetch: asks the server.
            is_valid: whether cached bytes can be used; if not they are fetched again.

        Raises:
            OfflineError: the cache has no answer and nothing may be requested.
            SourceError: the server gave none.
        """
        if not self.refresh or self.offline:
            cached = self.cache.get(source, key)
            if cached is not None and is_valid(cached.data):
                return cached
        if self.offline:
            raise OfflineError(
                f"{source}: the cache in {self.cache.folder} does not hold (all of) this query, "
                "and --offline forbids to ask. Run once without --offline."
            )
        with self.cache.lock(source, key):
            if not self.refresh:
                cached = self.cache.get(source, key)  # another process may have been first
                if cached is not None and is_valid(cached.data):
                    return cached
            data = fetch()
            if self.requested:
                self.requested(source)
            return self.cache.put(source, key, data)


def today() -> str:
    """Date of today, UTC, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def clean_metadata(values: dict[str, object]) -> dict[str, Value]:
    """Metadata of the known types only; absent and impossible values are left out.

    Args:
        values: names of ``METADATA_KEYS`` and what the source says; texts are shortened.
    """
    metadata: dict[str, Value] = {}
    for name, value in values.items():
        wanted = METADATA_KEYS[name]
        if value is None or value == "":
            continue
        if wanted is float and isinstance(value, (int, float)) and not isinstance(value, bool):
            # Compared before it is converted: a whole number may be too large for a float. Also
            # false for NaN and infinities.
            if abs(value) < 1e9:
                metadata[name] = float(value)
        elif wanted is bool and isinstance(value, bool):
            metadata[name] = value
        elif wanted is str and isinstance(value, str):
            metadata[name] = " ".join(value.split())[:500]
    return metadata


def rejection(source: str, source_id: str, reason: str, message: str) -> Rejection:
    """Build a rejection of stage ``read``.

    Args:
        source: name of the source.
        source_id: name of the entry in the source.
        reason: short name of the cause, by which rejections are counted.
        message: what is wrong and what to do, for the user.
    """
    return Rejection(
        source=source, source_id=source_id, stage="read", reason=reason, message=message
    )


def not_fetched(source: str, source_id: str, error: SourceError) -> Rejection:
    """Build the rejection of an entry that is known to exist and did not arrive.

    Args:
        source: name of the source.
        source_id: name of the entry in the source.
        error: why it did not arrive.
    """
    return rejection(
        source,
        source_id,
        "not_fetched",
        f"{error} The same command fetches what is missing, and nothing twice.",
    )
