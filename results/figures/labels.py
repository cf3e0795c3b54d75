"""Chemical formulae, ions and numbers as matplotlib sets them: subscripts and superscripts."""

from __future__ import annotations

import re

_COUNT = re.compile(r"(?<=[A-Za-z)\]])(\d+(?:\.\d+)?)")
_EXPONENT = re.compile(r"(?<=[0-9.)])e([+-]?)0*(\d+)")


def formula_label(formula: object) -> str:
    """Write the counts of a formula as subscripts, for matplotlib.

    Args:
        formula: such as Li3.2PS4I0.2.
    """
    return _COUNT.sub(r"$_{\1}$", str(formula))


def ion_label(ion: object) -> str:
    """Write an ion with its charge as superscript, for matplotlib."""
    text = str(ion)
    element = text.rstrip("+-.0123456789")
    return f"{element}$^{{{text[len(element) :].replace('-', '−')}}}$" if element else text


def power_label(text: str) -> str:
    """Write exponents such as e-7 as powers of ten, for matplotlib.

    Args:
        text: with numbers as ``measured_text`` writes them.
    """

    def power(found: re.Match[str]) -> str:
        sign = "−" if found[1] == "-" else ""
        return rf"×10$^{{{sign}{found[2]}}}$"

    return _EXPONENT.sub(power, text)
