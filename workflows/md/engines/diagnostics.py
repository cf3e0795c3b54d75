"""Why an external program ended: from its status and the end of its output to a sentence."""

from __future__ import annotations

import errno
import re
import signal
from dataclasses import dataclass
from pathlib import Path

from dualion.workflows.md.engines.base import EngineError

TAIL_BYTES = 20_000
FULL = re.compile(r"no space left on device|disk quota exceeded|ENOSPC", re.IGNORECASE)
KILLED = {128 + number for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)}


@dataclass(frozen=True, slots=True)
class Symptom:
    """What the output of a program says when it fails.

    Attributes:
        pattern: searched in the end of the output.
        reason: stable name.
        advice: what to do, a clause.
    """

    pattern: re.Pattern[str]
    reason: str
    advice: str


def symptom(pattern: str, reason: str, advice: str) -> Symptom:
    """A symptom, its pattern searched without regard to case."""
    return Symptom(re.compile(pattern, re.IGNORECASE), reason, advice)


def trouble_of(
    name: str, output: Path, status: int, symptoms: tuple[Symptom, ...] = ()
) -> EngineError | OSError:
    """What to raise after a program that did not do its piece.

    Args:
        name: of the engine.
        output: file with what it printed.
        status: exit status; negative for the number of the signal that ended it.
        symptoms: of this program, the most telling first.

    Returns:
        ``OSError`` where the disk is full, so that the run waits for space; else ``EngineError``.
    """
    text = tail(output)
    if FULL.search(text):
        return OSError(errno.ENOSPC, f"no space left for {name} in {output.parent}")
    for known in symptoms:
        if known.pattern.search(text):
            return EngineError(known.reason, f"{name}: {known.advice} Its output is {output}.")
    if status < 0 or status in KILLED:
        number = -status if status < 0 else status - 128
        return EngineError(
            "killed",
            f"{name} was ended from outside by signal {number}, for want of memory or by hand; "
            f"its restart is kept. Give it more memory or fewer cores, and retry the run. Its "
            f"output is {output}.",
        )
    if status == 0:
        return EngineError(
            "no_progress",
            f"{name} ended without an error and left no restart that can be used; look at the "
            f"end of {output}.",
        )
    said = _last_words(text)
    return EngineError(
        "engine_stopped",
        f"{name} ended with status {status}{said}. Its output is {output}; mend the cause and "
        "retry the run.",
    )


def tail(path: Path) -> str:
    """The end of a text file; empty where there is none."""
    try:
        with path.open("rb") as handle:
            handle.seek(0, 2)
            handle.seek(max(0, handle.tell() - TAIL_BYTES))
            return handle.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


def _last_words(text: str) -> str:
    """The last line that says something, in quotation marks."""
    lines = [line.strip(" *|\t") for line in text.splitlines()]
    telling = [line for line in lines if len(re.findall(r"[A-Za-z]{3,}", line)) >= 2]
    return f" (“{telling[-1][:160]}”)" if telling else ""
