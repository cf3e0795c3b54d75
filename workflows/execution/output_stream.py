"""Standard output that may end: a reader that leaves, a disk that fills, a stream that is closed.

``dualion screen … | head`` must not cost the screening. So a write that fails is noted, what
follows goes nowhere, the command ends its work, and then the exit status tells, if the command
itself found nothing wrong:

- 141, as the shell reports a program that SIGPIPE ended, where the reader left;
- 1 with one sentence on standard error where the output could not be written;
- 0 where the output was closed from the start (``>&-``), which says that nobody wants it.

What happens to standard error changes no status. A job of a queue has its log there, which is not
what it is run for: it ends with the status of its work.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import Any, TextIO, cast

READER_LEFT = 141
"""128 + SIGPIPE."""
NOT_WRITTEN = 1


class OutputStream:
    """A text stream that never raises; the first failure is kept.

    Attributes:
        problem: why a write failed; None as long as none did.
    """

    def __init__(self, stream: TextIO) -> None:
        """Args:
        stream: what is written to.
        """
        self._stream = stream
        self.problem: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        """Everything but writing is that of the stream."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text, or note why that failed; returns its length.

        Args:
            text: the text.
        """
        if self.problem is None:
            try:
                return self._stream.write(text)
            except OSError as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Flush, or note why that failed."""
        if self.problem is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Let what is still buffered go nowhere, so that the interpreter's own flush is quiet."""
        self.problem = error
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


def fill_standard_descriptors() -> None:
    """Open what was closed of the descriptors 0, 1 and 2 on nothing.

    A file that is opened later would get such a number, and whatever writes to the standard output
    below Python, or in a process that is started, would write into that file.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # gets the lowest free number


def guard_output() -> OutputStream:
    """Put guarded streams in place of standard output and error; returns that of the output."""
    fill_standard_descriptors()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name) or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        setattr(sys, name, cast(TextIO, OutputStream(stream)))
    return cast(OutputStream, sys.stdout)


def exit_status(output: OutputStream, status: int) -> int:
    """The exit status of a command, where its output could be written and where not.

    Args:
        output: the guarded standard output.
        status: of the command itself.
    """
    output.flush()
    if output.problem is None or status != 0:
        return status
    if output.problem.errno == errno.EPIPE:
        return READER_LEFT
    print(
        f"dualion: Cannot write to the standard output: {output.problem.strerror}. Free space, or "
        "send the output elsewhere.",
        file=sys.stderr,
    )
    return NOT_WRITTEN
