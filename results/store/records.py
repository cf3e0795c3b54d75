"""What goes into the store and comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dualion.results.columns import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One structure of the input, or a rejection (``reason`` given, no text).

    Attributes:
        position: place in the input.
        source, source_id: where it came from, its name there.
        metadata: what the source knows beside the structure.
        key: hash of format and text.
        format, text: the structure; empty for a rejection.
        cost_s: estimated computing time, s.
        reason, message: why it is no structure.
    """

    position: int
    source: str
    source_id: str
    metadata: Mapping[str, Any]
    key: str = ""
    format: str = ""
    text: str = ""
    cost_s: float = 0.0
    reason: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """One finished task.

    Attributes:
        key: hash of structure, ions and conventions.
        scope: hash of the options that it holds for.
        cation, anion: symbols; for a row without numbers all cations that were asked for.
        stage: where the structure ended.
        row: the row of ``screened.csv``.
        traceback: where a failure happened.
    """

    key: str
    scope: str
    cation: str
    anion: str
    stage: str
    row: Row
    traceback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A structure that is not done, with what is known of it.

    Attributes:
        id: its number in the store.
        key, format, text, cost_s: as in ``Entry``.
        source, source_id, metadata: those of its first entry.
        cations, anions: symbols of its ions; None until it was prepared.
        done: tasks that exist, as (scope, cation, anion, status).
    """

    id: int
    key: str
    format: str
    text: str
    cost_s: float
    source: str
    source_id: str
    metadata: Mapping[str, Any]
    cations: tuple[str, ...] | None
    anions: tuple[str, ...] | None
    done: tuple[tuple[str, str, str, str], ...]
