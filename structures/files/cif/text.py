"""The data items of one CIF block, read so that damage elsewhere in the block does no harm.

Grammar: CIF 1.1, Hall, Allen & Brown, Acta Cryst. A47, 655 (1991), and the syntax document
of the IUCr (https://www.iucr.org/resources/cif/spec/version1.1/cifsyntax).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LONGEST_LINE = 20_000
"""Characters of the longest line that is looked at; the standard allows 2048."""

_TOKEN = re.compile(r"""'(.*?)'(?=\s|$)|"(.*?)"(?=\s|$)|(\#.*)|(\S+)""")

Token = tuple[str, bool]
"""Text of a token, and whether it was quoted (then it is a value, whatever it looks like)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CifItems:
    """Items of a block.

    Attributes:
        values: item name (lower case, ``.`` as ``_``) to its single value.
        loops: item name to its column; columns of one loop are equally long.
        skipped: names of the first items of loops that could not be read.
    """

    values: dict[str, str] = field(default_factory=dict)
    loops: dict[str, list[str]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def get(self, *names: str) -> str | None:
        """The first of ``names`` that has a single known value (not ``?`` or ``.``)."""
        for name in names:
            value = self.values.get(name)
            if value is None and len(self.loops.get(name, ())) == 1:
                value = self.loops[name][0]
            if value is not None and value.strip() not in ("", "?", "."):
                return value.strip()
        return None

    def column(self, *names: str) -> list[str] | None:
        """The first of ``names`` that has a column; a single value is a column of one."""
        for name in names:
            if self.loops.get(name):
                return self.loops[name]
            if name in self.values:
                return [self.values[name]]
        return None


def read_items(text: str) -> CifItems:
    """Read the items of one block of a CIF.

    Args:
        text: the block, with or without its ``data_`` line.

    Returns:
        The items; a loop whose number of values does not fit its number of columns is left
        out and named in ``skipped``.
    """
    items = CifItems()
    tokens = list(_tokens(text))
    position = 0
    while position < len(tokens):
        word, quoted = tokens[position]
        position += 1
        if quoted:
            continue
        if word.lower() == "loop_":
            position = _read_loop(tokens, position, items)
        elif word.startswith("_") and position < len(tokens) and _is_value(tokens[position]):
            items.values.setdefault(_canonical(word), tokens[position][0])
            position += 1
    return items


def _read_loop(tokens: list[Token], position: int, items: CifItems) -> int:
    names: list[str] = []
    while position < len(tokens) and tokens[position][0].startswith("_"):
        if tokens[position][1]:
            break
        names.append(_canonical(tokens[position][0]))
        position += 1
    start = position
    while position < len(tokens) and _is_value(tokens[position]):
        position += 1
    values = [word for word, _ in tokens[start:position]]
    if not names or len(values) % len(names):
        items.skipped.extend(names[:1])
        return position
    for index, name in enumerate(names):
        items.loops.setdefault(name, values[index :: len(names)])
    return position


def _is_value(token: Token) -> bool:
    word, quoted = token
    lowered = word[:7].lower()
    return quoted or not (
        word.startswith("_") or lowered.startswith(("loop_", "data_", "save_", "global_", "stop_"))
    )


def _canonical(name: str) -> str:
    return name.lower().replace(".", "_").rstrip("_")


def _tokens(text: str) -> Iterator[Token]:
    field_lines: list[str] | None = None
    for line in text.split("\n"):
        if field_lines is not None:
            if line.startswith(";"):
                yield "\n".join(field_lines), True
                field_lines = None
                line = line[1:]
            else:
                field_lines.append(line)
                continue
        elif line.startswith(";"):
            field_lines = [line[1:]]
            continue
        for match in _TOKEN.finditer(line[:LONGEST_LINE]):
            single, double, comment, bare = match.groups()
            if comment is not None:
                break
            if bare is not None:
                yield bare, False
            else:
                yield single if single is not None else double, True
