"""The findings of a transport analysis in a few lines of text."""

from __future__ import annotations

from screening.transport.onsager import Transport
from screening.transport.report import TransportReport
from screening.transport.rotation import Rotation


def summary_lines(report: TransportReport) -> list[str]:
    """The findings in a few lines of text."""
    lines = [
        f"{report.source}: {report.n_frames} frames of {report.frame_step_ps:g} ps, "
        f"{report.temperature_k:g} K; displacements relative to {report.framework}"
    ]
    for species in report.species:
        d = species.diffusion
        number = f"D = {d.d_cm2_s:.3g} ± {d.error_cm2_s:.1g} cm²/s"
        interval = f"95 %: {d.low_cm2_s:.3g} … {d.high_cm2_s:.3g}"
        flags = f"  [{', '.join(d.flags)}]" if d.flags else ""
        lines.append(f"  {species.name:10s} {d.verdict:13s} {number} ({interval}){flags}")
    lines += [_rotation_line(rotation) for rotation in report.rotation]
    for name, found in (
        ("all ions", report.transport),
        ("without polyanions", report.transport_without_rotors),
    ):
        lines += [line for one in found for line in _transport_lines(name, one)]
    if report.flags:
        lines.append(f"  flags: {', '.join(report.flags)}")
    return lines


def _rotation_line(rotation: Rotation) -> str:
    return (
        f"  {rotation.formula}: {rotation.verdict}, R = {rotation.bond_length_angstrom:.2f} Å, "
        f"C₁ down to {rotation.correlation.min():.2f}, {rotation.broken_bonds} broken, "
        f"{rotation.exchanges} exchanged"
    )


def _transport_lines(name: str, transport: Transport) -> list[str]:
    numbers = ", ".join(
        f"t({species}) {value.text() if value.error else f'{value.value:g}'}"
        for species, value in zip(transport.species, transport.numbers, strict=True)
    )
    return [
        f"  {name}: σ {transport.conductivity_s_cm.text()} S/cm, Nernst–Einstein "
        f"{transport.nernst_einstein_s_cm.text()} S/cm, Haven {transport.haven_ratio.text()}",
        f"    {numbers}",
    ]
