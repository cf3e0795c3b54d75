"""Text from outside, made fit for tables, stores and terminals.

Names of files need not be UTF-8 (Python keeps their bytes as lone surrogates, PEP 383), JSON
may spell lone surrogates, and names may hold control characters. None of them can be encoded or
stored everywhere, so they are written as escapes: ``caf\\xe9.cif``, ``\\ud800``, ``\\n``.
"""

from __future__ import annotations

import json
import re
from typing import Any

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def printable_name(name: str) -> str:
    """A name of one line: bytes that are no UTF-8, surrogates and control characters escaped."""
    return _UNPRINTABLE.sub(_escape, name)


def printable_lines(text: str) -> str:
    """A text of one or more lines, each as of ``printable_name``: nothing that a terminal obeys."""
    return "\n".join(printable_name(line) for line in text.split("\n"))


def storable_text(text: str) -> str:
    """A text that can be encoded and stored: lone surrogates and NUL escaped, lines kept."""
    return _UNSTORABLE.sub(_escape, text)


def json_text(value: object, **options: Any) -> str:
    """JSON in plain characters, with escapes only where they cannot be encoded.

    Args:
        value: what is written; read back, it is the same, lone surrogates included.
        **options: of ``json.dumps``.
    """
    text = json.dumps(value, ensure_ascii=False, **options)
    return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return _SHORT.get(char) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")
