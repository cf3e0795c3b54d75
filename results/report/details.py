"""``Detail``: what a structure's own page shows beside its columns of the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """Content of one structure's page.

    Attributes:
        content: plain data: ``crystal``, ``ions``, ``sensitivity``, ``dynamics``, each if known.
        sections: binary parts by name: the field of each ion, one byte a grid point.
    """

    content: Mapping[str, Any]
    sections: Mapping[str, bytes] = field(default_factory=dict)
