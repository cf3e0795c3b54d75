"""The one error that the stand-alone modules raise on purpose."""

from __future__ import annotations


class PotentialError(ValueError):
    """A potential cannot be made or used as asked; the message says why and what to do."""
