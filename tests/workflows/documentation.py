"""What the documentation's pages hold: fenced blocks, and the commands in them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]

KINDS = {
    "bash": "runs as printed; one with {{names}} is a template and does not",
    "console": "needs a cluster, a licence or an engine; lines after $ must parse",
    "python": "runs",
    "yaml": "a campaign or blocks of one; checked by the model",
    "ini": "input of another program",
    "text": "input of another program",
}
"""What a block of each language promises."""

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


def name_of(page: Path) -> str:
    """The page's path below the repository's root."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *languages: str) -> list[str]:
    """Fenced blocks of these languages, in order."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [text for language, text in found if language in languages]


def shell_blocks(page: Path) -> list[str]:
    """Blocks of shell lines that are commands, not templates."""
    return [text for text in blocks(page, "bash") if "{{" not in text]


def outside(page: Path) -> str:
    """The page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def commands(text: str) -> list[list[str]]:
    """The words after ``dualion`` of each call in a block of shell lines.

    Where some lines have a prompt, the others show what is printed.
    """
    calls = []
    lines = text.splitlines()
    prompted = [line[2:] for line in lines if line.startswith("$ ")]
    for line in prompted or lines:
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            if words[0] == "dualion":
                calls.append(words[1:end])
            words = words[end + 1 :]
    return calls


def inline_commands(page: Path) -> list[list[str]]:
    """Calls in running text, such as ``dualion screen cifs/``; those with an ellipsis are none."""
    found = re.findall(r"`(dualion [^`]*)`", outside(page))
    return [shlex.split(text)[1:] for text in found if "…" not in text]
