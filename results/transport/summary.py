"""The findings of a transport analysis in a few lines of text."""

from __future__ import annotations

from dualion.screening.transport.collective.onsager import Transport
from dualion.screening.transport.collective.withdrawal import (
    FIXED_BY_FRAME,
    FIXED_BY_MASSES,
    NOTHING_DIFFUSES,
)
from dualion.screening.transport.motion.rotation import Rotation
from dualion.screening.transport.number_text import (
    diffusion_text,
    interval_text,
    kelvin_text,
    measured_text,
)
from dualion.screening.transport.report import SpeciesReport, TransportReport
from dualion.screening.transport.self_diffusion.coefficient import Diffusion

NOTES = {
    FIXED_BY_MASSES: "about the centre of mass, the masses alone fix the transport numbers of two "
    "species; σ_ij in that frame is in transport.json",
    FIXED_BY_FRAME: "one species moves against the frame: its transport number is 1 by that choice",
    NOTHING_DIFFUSES: "no ion is known to diffuse, so no current is known either",
}
"""What some flags of the transport mean."""


def summary_lines(report: TransportReport) -> list[str]:
    """Summarise the findings in a few lines of text."""
    lines = [
        f"{report.source}: {report.n_frames} frames of {report.frame_step_ps:g} ps, "
        f"{kelvin_text(report.temperature_k)}; displacements relative to {report.framework}"
    ]
    for species in report.species:
        d = species.diffusion
        interval = f" (95 %, {d.posterior}: {_interval(d)})" if d.resolved else ""
        flags = f"  [{', '.join(d.flags)}]" if d.flags else ""
        lines.append(f"  {species.name:10s} {d.verdict:13s} {_d_text(d)}{interval}{flags}")
        lines += _detail_lines(species)
    lines += [_rotation_line(rotation) for rotation in report.rotation]
    for name, found in (
        ("all ions", report.transport),
        ("without polyanions", report.transport_without_rotors),
    ):
        lines += [line for one in found for line in _transport_lines(name, one)]
    if report.flags:
        lines.append(f"  flags: {', '.join(report.flags)}")
    return lines


def _d_text(d: Diffusion) -> str:
    return diffusion_text(d.verdict, d.d_cm2_s, d.error_cm2_s, d.upper_cm2_s)


def _interval(d: Diffusion) -> str:
    return interval_text(d.low_cm2_s, d.high_cm2_s)


def _detail_lines(species: SpeciesReport) -> list[str]:
    """Describe blocks, directions, jumps and barriers of an ion that moves."""
    resolved = species.diffusion.resolved
    lines = [
        f"blocks: D = {measured_text(b.mean_cm2_s, b.error_cm2_s)} cm²/s from {len(b.d_cm2_s)} of "
        f"{b.block_ps:.3g} ps"
        for b in species.blocks
        if resolved
    ]
    found = species.anisotropy
    if resolved and found.isotropic_chance < 0.05:
        values = ", ".join(
            measured_text(float(d), float(e))
            for d, e in zip(found.principal_cm2_s, found.errors_cm2_s, strict=True)
        )
        lines.append(f"anisotropic (p = {found.isotropic_chance:.1g}): {values} cm²/s")
    lines += [
        f"jumps: {len(jumps.frames)} between {len(jumps.sites)} sites, "
        f"{jumps.return_share:.0%} back, {jumps.collective_share:.0%} near another's "
        f"({jumps.collective_chance:.0%} by chance)"
        for jumps in species.hops
    ]
    for path in species.paths:
        barrier = (
            f"{measured_text(path.barrier_ev, path.least_error_ev)} eV at least"
            if path.sampled
            else "not resolved, its bottleneck was hardly visited"
        )
        lines.append(
            f"density percolates {path.dimension}D through {len(path.sites)} sites: {barrier}"
        )
    return [f"    {line}" for line in lines]


def _rotation_line(rotation: Rotation) -> str:
    return (
        f"  {rotation.formula}: {rotation.verdict}, R = {rotation.bond_length_angstrom:.2f} Å, "
        f"C₁ down to {rotation.correlation.min():.2f}, {rotation.broken_bonds} broken, "
        f"{rotation.exchanges} exchanged"
    )


def _transport_lines(name: str, transport: Transport) -> list[str]:
    numbers = ", ".join(
        f"t({species}) {value.text()}"
        for species, value in zip(transport.species, transport.numbers, strict=True)
    )
    einstein = ", ".join(
        f"{species} {value.text()}"
        for species, value in zip(transport.species, transport.einstein_numbers, strict=True)
    )
    lines = [
        f"  {name}: σ {transport.conductivity_s_cm.text()} S/cm, Nernst–Einstein "
        f"{transport.nernst_einstein_s_cm.text()} S/cm, Haven {transport.haven_ratio.text()}",
        f"    {numbers} (relative to {transport.frame})",
        f"    share in Nernst–Einstein: {einstein}",
    ]
    lines += [f"    {NOTES[flag]}" for flag in transport.flags if flag in NOTES]
    return lines
