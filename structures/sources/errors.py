"""Errors of sources; each message names the source, says what failed and what to do.

No message, and no chained exception, may hold a key or a password: clients that use one pass
every text of a server through ``redact`` and raise ``from None``.
"""

from __future__ import annotations

from collections.abc import Iterable

from dualion.structures.errors import DualionError, InputError

LONGEST_MESSAGE = 300


class SourceError(DualionError):
    """A source cannot give (all of) what was asked; other sources can go on."""

    reason = "source_failed"


class SourceUnavailableError(SourceError):
    """The source cannot be reached or refuses now; try again later."""

    reason = "source_unavailable"


class SourceAnswerError(SourceError):
    """The source answers, but not as its protocol says."""

    reason = "bad_answer"


class OfflineError(SourceError):
    """Only the cache may be used, and it does not hold what was asked."""

    reason = "not_in_cache"


class MissingCredentialsError(InputError):
    """No key or password was found; the message says where to get and where to put one."""


def redact(text: object, secrets: Iterable[str] = ()) -> str:
    """One line of bounded length in which every secret is replaced.

    Args:
        text: anything whose text goes to a message or a log.
        secrets: keys, passwords and tokens that must not appear.
    """
    line = " ".join(str(text).split())
    for secret in secrets:
        if secret:
            line = line.replace(secret, "[hidden]")
    return line[:LONGEST_MESSAGE]
