"""How much of what it is given the reader is willing to read."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """Bounds on untrusted input; beyond them a ``Rejection`` is made and reading goes on.

    Attributes:
        entry_bytes: largest text of one structure, in bytes.
        document_bytes: largest JSON document, in bytes (it must be read as a whole; JSON
            lines are not).
        archive_bytes: most that one archive or compressed file may unpack to, in bytes.
        ratio: most that compressed data may grow, unpacked size over stored size.
        ratio_from_bytes: unpacked size from which ``ratio`` is looked at, in bytes.
        members: most members of one archive.
        nested_bytes: largest archive inside an archive, in bytes as stored.
        archive_depth: how many archives may lie inside one another.
        max_sites: most sites of one structure.
    """

    entry_bytes: int = 64 * MEBIBYTE
    document_bytes: int = 512 * MEBIBYTE
    archive_bytes: int = 64 * 1024 * MEBIBYTE
    ratio: float = 200.0
    ratio_from_bytes: int = 16 * MEBIBYTE
    members: int = 2_000_000
    nested_bytes: int = 1024 * MEBIBYTE
    archive_depth: int = 2
    max_sites: int = 5000


class WorkBudget:
    """What may still be unpacked of one file on disk, with all archives inside it.

    Args:
        stored_bytes: size of the file.
        limits: the bounds; ``archive_bytes`` and ``ratio`` hold for the sum over all members.
    """

    def __init__(self, stored_bytes: int, limits: ReadLimits) -> None:
        grown = max(float(limits.ratio_from_bytes), limits.ratio * stored_bytes)
        self._left = int(min(float(limits.archive_bytes), grown))

    @property
    def is_spent(self) -> bool:
        """Whether nothing more may be unpacked."""
        return self._left < 0

    def spend(self, unpacked_bytes: int) -> None:
        """Count what was unpacked."""
        self._left -= unpacked_bytes


DEFAULT_LIMITS = ReadLimits()
