"""The exception tree of dualion: one class for each reaction of the caller.

    DualionError
    ├── InputError            stop: the user must change the command or a file
    │   └── MissingDependencyError
    └── StructureError        skip this structure, keep the reason, go on
        ├── UnreadableStructureError      the text is no crystal structure
        ├── UnpreparableStructureError    a structure that the physics cannot take
        └── MissingParametersError        no pair parameters for an ion of the structure

A message says what happened, why, and what to do. Anything else that is raised is a bug.
"""

from __future__ import annotations

from dualion.structures.text import printable_name


class DualionError(Exception):
    """Base of every error that dualion raises on purpose."""


class InputError(DualionError):
    """The command, an option or a path is wrong; nothing can be done without the user."""


class MissingDependencyError(InputError):
    """An optional package is not installed; the message names the extra that brings it."""


class StructureError(DualionError):
    """One structure cannot be used. ``reason`` is a stable snake_case name for tables."""

    reason = "structure_error"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(printable_name(message))
        self.reason = reason or type(self).reason

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), str(self), self.reason))


def _rebuild(kind: type[StructureError], message: str, reason: str) -> StructureError:
    """Restore an error on the other side of a process boundary."""
    return kind(message, reason=reason)


class UnreadableStructureError(StructureError):
    """The text cannot be read as a crystal structure."""

    reason = "unreadable"


class UnpreparableStructureError(StructureError):
    """The structure was read but cannot be made ready for the physics."""

    reason = "unpreparable"


class MissingParametersError(StructureError):
    """The parameter table has no entry for a pair of ions of the structure."""

    reason = "missing_parameters"
