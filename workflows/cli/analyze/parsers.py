"""Parsers of the options of ``dualion analyze``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dualion.structures.errors import InputError

if TYPE_CHECKING:
    from dualion.screening.transport.options import PosteriorChoice
    from dualion.structures.trajectories.pieces.runs import PieceMode

NAN = float("nan")


def split_words(text: str) -> tuple[str, ...]:
    """Split text at commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def parse_numbers(text: str, option: str) -> tuple[float, ...]:
    """Parse numbers between commas or blanks.

    Args:
        text: of the option.
        option: its name, for messages.

    Raises:
        InputError: a part is no number.
    """
    try:
        return tuple(float(word) for word in split_words(text.replace(" ", ",")))
    except ValueError as error:
        raise InputError(
            f"{option} {text!r} holds something that is not a number ({error})."
        ) from error


def parse_temperatures(text: str, count: int) -> tuple[float, ...]:
    """Parse the temperatures of trajectories.

    Args:
        text: one number, or one per trajectory, K.
        count: number of trajectories.

    Returns:
        One for each trajectory, K; NaN where none is given.

    Raises:
        InputError: their number differs, or one is not above 0 K.
    """
    values = parse_numbers(text, "--temperature-k") or (NAN,)
    if len(values) == 1:
        values *= count
    if len(values) != count:
        raise InputError(
            f"{len(values)} temperatures were given for {count} trajectories; give one, or one "
            "for each."
        )
    if text.strip() and not all(0.0 < value < float("inf") for value in values):
        raise InputError(f"--temperature-k {text!r}: a temperature is a number above 0 K.")
    return values


def parse_charges(text: str) -> dict[str, float]:
    """Parse charges: element → charge, e.

    Raises:
        InputError: a part is not of the form element=charge.
    """
    from ase.data import atomic_numbers

    charges = {}
    for word in split_words(text):
        element, sign, value = word.partition("=")
        if not sign:
            raise InputError(f"--charges {text!r}: write element=charge, as in Li=1,S=-2.")
        if not atomic_numbers.get(element.strip()) or not value.strip():
            raise InputError(
                f"--charges {text!r}: {word} is no element with a charge, as in Li=1,S=-2."
            )
        charges[element.strip()] = parse_numbers(value, "--charges")[0]
    return charges


def parse_posterior(text: str) -> PosteriorChoice:
    """Parse the name of a posterior.

    Raises:
        InputError: there is none of this name.
    """
    from dualion.screening.transport.options import POSTERIORS

    name = text.strip().lower().replace("-", " ").replace("_", " ")
    for known in POSTERIORS:
        if known == name:
            return known
    names = ", ".join(known.replace(" ", "-") for known in POSTERIORS)
    raise InputError(f"There is no posterior {text!r}; choose from {names}.")


def parse_pieces(*, replicas: bool, continued: bool) -> PieceMode:
    """Choose how several files of one temperature are read.

    Raises:
        InputError: both are wanted.
    """
    if replicas and continued:
        raise InputError("--replicas and --continue exclude each other; give one, or none.")
    return "replicas" if replicas else "continue" if continued else "auto"


def parse_pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Parse pairs of elements.

    Raises:
        InputError: a part is not of the form A-B.
    """
    pairs = []
    for word in split_words(text):
        one, sign, other = word.partition("-")
        if not (one and sign and other):
            raise InputError(f"--pairs {text!r}: write two elements, as in I-Li,P-S.")
        pairs.append((one, other))
    return tuple(pairs)
