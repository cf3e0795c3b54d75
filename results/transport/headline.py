"""The answer of ``dualion analyze`` in five lines at most: who moves, D or limit, t, warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dualion.screening.transport.arrhenius import Arrhenius
from dualion.screening.transport.collective.onsager import Transport
from dualion.screening.transport.combined import CombinedIon
from dualion.screening.transport.number_text import (
    diffusion_text,
    interval_text,
    kelvin_text,
    measured_text,
    number_text,
)
from dualion.screening.transport.report import TransportReport
from dualion.screening.transport.self_diffusion.coefficient import Diffusion


def headline(
    reports: Sequence[TransportReport],
    combined: Sequence[CombinedIon],
    fits: Mapping[str, Arrhenius],
) -> list[str]:
    """Sum up runs in five lines at most.

    Args:
        reports: one for each run.
        combined: of ``combine_runs``: replicas of a temperature together.
        fits: Arrhenius fits by ion.
    """
    found = _ions(reports, combined)
    moving = [f"{name} {_moving(d)}" for name, d in found if d.resolved]
    still = [f"{name} {d.verdict}, {_text(d)}" for name, d in found if not d.resolved]
    lines = [_title(reports), f"Diffuses: {'; '.join(moving) or 'no ion that this shows'}"]
    lines += [f"Does not, or is not resolved: {'; '.join(still)}"] if still else []
    charge = [*_charge(reports), *_energies(fits)]
    lines += [f"Charge and temperature: {'; '.join(charge)}"] if charge else []
    of_runs = [flag for report in reports for flag in report.flags]
    flags = dict.fromkeys([*of_runs, *(flag for _, d in found for flag in d.flags)])
    return [*lines, f"Warnings: {', '.join(flags)}"] if flags else lines


def _title(reports: Sequence[TransportReport]) -> str:
    if len(reports) > 1:
        return f"{len(reports)} runs together: {', '.join(report.source for report in reports)}"
    (report,) = reports
    return (
        f"{report.source}: {report.n_frames} frames of {report.frame_step_ps:g} ps, "
        f"{kelvin_text(report.temperature_k)}; displacements relative to {report.framework}"
    )


def _ions(
    reports: Sequence[TransportReport], combined: Sequence[CombinedIon]
) -> list[tuple[str, Diffusion]]:
    """Name and D of each ion: of one run, or of all runs of each temperature."""
    if len(reports) == 1:
        return [(species.name, species.diffusion) for species in reports[0].species]
    if combined:
        return [
            (f"{one.species} at {kelvin_text(one.temperature_k)}", one.diffusion)
            for one in combined
        ]
    return [(f"{s.name} in {r.source}", s.diffusion) for r in reports for s in r.species]


def _text(d: Diffusion) -> str:
    return diffusion_text(d.verdict, d.d_cm2_s, d.error_cm2_s, d.upper_cm2_s)


def _moving(d: Diffusion) -> str:
    return f"{_text(d)} (95 %: {interval_text(d.low_cm2_s, d.high_cm2_s)})"


def _charge(reports: Sequence[TransportReport]) -> list[str]:
    """Conductivity and transport numbers of each run, of all its ions."""
    words = []
    for report in reports:
        at = f" at {kelvin_text(report.temperature_k)}" if len(reports) > 1 else ""
        words += [f"{_of_run(one)}{at}" for one in report.transport]
    return words


def _of_run(transport: Transport) -> str:
    numbers = [
        f"t({name}) {value.text()}"
        for name, value in zip(transport.species, transport.numbers, strict=True)
        if value.resolved or value.fixed
    ]
    measured = any(value.resolved for value in transport.numbers)
    told = ", ".join(numbers) if measured else "transport numbers not resolved"
    return f"σ {transport.conductivity_s_cm.text()} S/cm, {told}"


def _energies(fits: Mapping[str, Arrhenius]) -> list[str]:
    words = []
    for name, fit in fits.items():
        middle, low, high = (float(values[0]) for values in fit.predict([300.0]))
        words.append(
            f"{name} E_a = {measured_text(fit.activation_energy_ev, fit.error_ev)} eV, "
            f"D(300 K) = {number_text(middle, 2)} ({number_text(low, 2)} … "
            f"{number_text(high, 2)}) cm²/s"
        )
    return words
