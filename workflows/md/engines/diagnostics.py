"""Diagnose why an external program ended, from its exit status and the end of its output."""

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
    """A message of a program that fails.

    Attributes:
        pattern: searched in the last part of the output.
        reason: stable name.
        advice: what to do, a clause.
    """

    pattern: re.Pattern[str]
    reason: str
    advice: str


def make_symptom(pattern: str, reason: str, advice: str) -> Symptom:
    """Compile a symptom.

    Args:
        pattern: regular expression, matched without regard to case.
        reason: stable name.
        advice: what to do, a clause.
    """
    return Symptom(re.compile(pattern, re.IGNORECASE), reason, advice)


def diagnose(
    name: str, output: Path, status: int, symptoms: tuple[Symptom, ...] = ()
) -> EngineError | OSError:
    """Choose the exception for a program that did not reach its target.

    Args:
        name: of the engine.
        output: file with its printed output.
        status: exit status; negative for the number of the signal that ended it.
        symptoms: of this program, the most specific first.

    Returns:
        ``OSError`` where the disk is full, so that the run waits for space; else ``EngineError``.
    """
    text = read_tail(output)
    if FULL.search(text):
        return OSError(errno.ENOSPC, f"no space left for {name} in {output.parent}")
    for known in symptoms:
        if known.pattern.search(text):
            return EngineError(known.reason, f"{name}: {known.advice} Its output is {output}.")
    if status < 0 or status in KILLED:
        number = -status if status < 0 else status - 128
        return EngineError(
            "killed",
            f"{name} was killed by signal {number}, for lack of memory or by hand; "
            f"its restart is kept. Give it more memory or fewer cores, and retry the run. Its "
            f"output is {output}.",
        )
    if status == 0:
        return EngineError(
            "no_progress",
            f"{name} ended without an error and left no restart that can be used; look at the "
            f"end of {output}.",
        )
    said = _quote_last_line(text)
    return EngineError(
        "engine_stopped",
        f"{name} ended with status {status}{said}. Its output is {output}; correct the cause and "
        "retry the run.",
    )


def read_tail(path: Path) -> str:
    """Read the last part of a text file; empty where there is none."""
    try:
        with path.open("rb") as handle:
            handle.seek(0, 2)
            handle.seek(max(0, handle.tell() - TAIL_BYTES))
            return handle.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


def _quote_last_line(text: str) -> str:
    """Quote the last line that holds at least two words."""
    lines = [line.strip(" *|\t") for line in text.splitlines()]
    worded = [line for line in lines if len(re.findall(r"[A-Za-z]{3,}", line)) >= 2]
    return f" (“{worded[-1][:160]}”)" if worded else ""
