"""Do two potentials say the same of an ion? Their verdicts and D, compared."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from dualion.screening.transport.number_text import diffusion_text
from dualion.screening.transport.self_diffusion.coefficient import Diffusion

DISAGREE = "potentials_disagree"

FACTOR = 3.0
"""Largest ratio of two resolved D that agree: 57 meV of activation energy at 600 K."""

ERRORS = 2.0
"""Difference of two D, in joint standard errors, up to which they agree whatever their ratio."""

STILL = ("vibrating", "rotating")
"""Verdicts of ions that do not migrate."""

COLUMNS = (
    "source_id", "formula", "cell", "protocol", "temperature_k", "ion",
    "potential", "verdict", "d_cm2_s", "d_error_cm2_s", "d_upper_cm2_s",
    "other_potential", "other_verdict", "other_d_cm2_s", "other_d_error_cm2_s",
    "other_d_upper_cm2_s", "d_ratio", "agree",
)  # fmt: skip
"""Columns of ``md_potentials.csv``: one row a pair of potentials, ion, cell and temperature."""

Group = tuple[str, str, str]
"""Engine, cell and protocol of runs that belong together."""

Ions = Mapping[str, Mapping[float, Diffusion]]
"""Ion → temperature, K → its diffusion, replicas combined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two potentials say of one ion in one cell at one temperature.

    Attributes:
        potentials: names of both.
        cell: perfect, or its defects.
        protocol: name of the protocol.
        temperature_k: K.
        ion: such as Li+.
        diffusions: of the ion with each of them.
        agree: whether they agree; None where the runs do not tell.
    """

    potentials: tuple[str, str]
    cell: str
    protocol: str
    temperature_k: float
    ion: str
    diffusions: tuple[Diffusion, Diffusion]
    agree: bool | None


def compare_potentials(groups: Mapping[Group, Ions]) -> list[Comparison]:
    """Compare every two potentials wherever both computed the same cell and temperature.

    Args:
        groups: what each engine found, by cell and protocol; the order is that of the potentials.
    """
    return [
        comparison
        for (first, ions), (second, others) in combinations(groups.items(), 2)
        if first[0] != second[0] and first[1:] == second[1:]
        for comparison in _compare_groups(first, ions, second, others)
    ]


def _compare_groups(first: Group, ions: Ions, second: Group, others: Ions) -> Iterator[Comparison]:
    for ion, by_temperature in ions.items():
        for kelvin in sorted(by_temperature.keys() & others.get(ion, {}).keys()):
            pair = (by_temperature[kelvin], others[ion][kelvin])
            yield Comparison(
                potentials=(first[0], second[0]),
                cell=first[1],
                protocol=first[2],
                temperature_k=kelvin,
                ion=ion,
                diffusions=pair,
                agree=judge_agreement(*pair),
            )


def judge_agreement(one: Diffusion, other: Diffusion) -> bool | None:
    """Judge whether two diffusions of the same ion agree; None where the runs do not tell.

    Two D agree within ``FACTOR`` or ``ERRORS``; two ions that do not migrate agree. An ion that
    diffuses contradicts one for which less than that is the limit.

    Args:
        one: with one potential.
        other: with the other one.
    """
    if one.resolved and other.resolved:
        apart = abs(one.d_cm2_s - other.d_cm2_s)
        joint = math.hypot(one.error_cm2_s, other.error_cm2_s)
        return _ratio(one, other) <= FACTOR or apart <= ERRORS * joint
    if one.verdict in STILL and other.verdict in STILL:
        return True
    for moving, limited in ((one, other), (other, one)):
        if moving.resolved and _is_excluded(moving, limited.upper_cm2_s):
            return False
    return None


def _is_excluded(moving: Diffusion, limit_cm2_s: float) -> bool:
    return moving.d_cm2_s - ERRORS * moving.error_cm2_s > limit_cm2_s


def _ratio(one: Diffusion, other: Diffusion) -> float:
    return max(one.d_cm2_s / other.d_cm2_s, other.d_cm2_s / one.d_cm2_s)


def agreement_share(comparisons: Iterable[Comparison]) -> float | None:
    """Share of the comparisons that agree; None where no runs tell.

    Args:
        comparisons: of one candidate.
    """
    told = [one.agree for one in comparisons if one.agree is not None]
    return sum(told) / len(told) if told else None


def comparisons_csv(found: Iterable[tuple[Mapping[str, Any], Comparison]]) -> str:
    """Write ``md_potentials.csv``.

    Args:
        found: facts of the structure, ``source_id`` and ``formula``, and a comparison.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for facts, one in found:
        first, second = one.diffusions
        both = first.resolved and second.resolved
        writer.writerow(
            {
                **facts,
                "cell": one.cell,
                "protocol": one.protocol,
                "temperature_k": f"{one.temperature_k:g}",
                "ion": one.ion,
                "potential": one.potentials[0],
                "other_potential": one.potentials[1],
                **_cells(first, ""),
                **_cells(second, "other_"),
                "d_ratio": f"{first.d_cm2_s / second.d_cm2_s:.3g}" if both else "",
                "agree": {True: "true", False: "false", None: ""}[one.agree],
            }
        )
    return text.getvalue()


def _cells(found: Diffusion, start: str) -> dict[str, str]:
    """D with its error where it is resolved, its limit elsewhere."""
    numbers = (
        {"d_cm2_s": found.d_cm2_s, "d_error_cm2_s": found.error_cm2_s}
        if found.resolved
        else {"d_upper_cm2_s": found.upper_cm2_s}
    )
    shown = {name: f"{value:.6g}" for name, value in numbers.items() if math.isfinite(value)}
    return {f"{start}{name}": text for name, text in {"verdict": found.verdict, **shown}.items()}


def comparison_text(one: Comparison) -> str:
    """Say in a line what two potentials make of an ion.

    Args:
        one: the comparison.
    """
    said = {True: "agree", False: "DISAGREE", None: "leave it open"}[one.agree]
    values = [
        f"{name} {found.verdict}, {_value_text(found)}"
        for name, found in zip(one.potentials, one.diffusions, strict=True)
    ]
    return f"{one.cell} {one.temperature_k:g} K {one.ion}: {'; '.join(values)}: they {said}"


def _value_text(found: Diffusion) -> str:
    return diffusion_text(found.verdict, found.d_cm2_s, found.error_cm2_s, found.upper_cm2_s)
