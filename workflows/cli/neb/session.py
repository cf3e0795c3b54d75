"""Compute the structures of ``dualion neb`` one after the other, and show what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dualion.workflows.execution.locks import Iterator  # noqa: F401
