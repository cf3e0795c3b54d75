"""Symbols and atomic numbers, with helpful errors."""

from __future__ import annotations

import difflib
from functools import lru_cache

from dualion.structures.errors import InputError


@lru_cache(maxsize=1)
def _symbols() -> tuple[str, ...]:
    from ase.data import chemical_symbols

    return tuple(chemical_symbols)


@lru_cache(maxsize=256)
def atomic_number(symbol_text: str) -> int:
    """Return the atomic number of a chemical symbol.

    Raises:
        InputError: there is no such element.
    """
    symbols = _symbols()
    if symbol_text in symbols[1:]:
        return symbols.index(symbol_text)
    close = difflib.get_close_matches(symbol_text.capitalize(), symbols[1:], n=1, cutoff=0.4)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise InputError(f"{symbol_text!r} is no chemical element.{hint}")


def symbol(number: int) -> str:
    """Return the chemical symbol of an atomic number."""
    return _symbols()[number]
