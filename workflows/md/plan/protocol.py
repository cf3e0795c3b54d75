"""MD protocols: time step, thermostat, lengths, and criteria for the end of a run."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError, model_validator

from dualion.screening.transport.self_diffusion.verdict import MOBILE_N_EFF
from dualion.structures.errors import InputError
from dualion.workflows.campaign.screening_options import known_name


class MdProtocol(BaseModel):
    """A protocol; each field carries its unit in its name.

    A run equilibrates, produces ``production_ps``, and is extended in blocks until each mobile
    species has ``target_n_eff`` effective jumps or ``budget_ps`` is spent. It ends early where no
    mobile ion has moved by ``still_angstrom`` in ``still_after_ps``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("mlip", description="name in results")
    temperatures_k: tuple[PositiveFloat, ...] = Field((600.0,), min_length=1, description="K")
    replicas: int = Field(1, ge=1, description="runs of each temperature, with other seeds")
    timestep_fs: float = Field(2.0, gt=0.0, le=10.0, description="time step, fs")
    thermostat: Literal["nose-hoover", "bussi", "langevin"] = Field(
        "nose-hoover", description="thermostat"
    )
    damping_fs: PositiveFloat = Field(100.0, description="relaxation time of the thermostat, fs")
    equilibration_ps: float = Field(2.0, ge=0.0, description="dropped from the analysis, ps")
    production_ps: PositiveFloat = Field(20.0, description="least production, ps")
    budget_ps: PositiveFloat = Field(100.0, description="most production, ps")
    block_ps: PositiveFloat = Field(10.0, description="length of an extension, ps")
    frame_fs: PositiveFloat = Field(50.0, description="time between frames, fs")
    target_n_eff: PositiveFloat = Field(MOBILE_N_EFF, description="effective jumps that suffice")
    still_after_ps: PositiveFloat = Field(20.0, description="least production of a still run, ps")
    still_angstrom: PositiveFloat = Field(1.5, description="least displacement of motion, Å")

    @model_validator(mode="after")
    def _fits(self) -> MdProtocol:
        if self.budget_ps < self.production_ps:
            raise ValueError("budget_ps is shorter than production_ps")
        if self.frame_fs < self.timestep_fs:
            raise ValueError("frame_fs is shorter than timestep_fs")
        steps = self.frame_fs / self.timestep_fs
        if abs(steps - round(steps)) > 1e-6:
            raise ValueError("frame_fs must be a whole number of time steps")
        return self

    @property
    def steps_per_frame(self) -> int:
        """MD steps between two frames."""
        return round(self.frame_fs / self.timestep_fs)

    def steps_of(self, time_ps: float) -> int:
        """Convert a time in ps to MD steps, rounded up to whole frames."""
        frames = math.ceil(time_ps * 1000.0 / self.frame_fs - 1e-6)  # 0.15 ps are 15 frames, not 16
        return frames * self.steps_per_frame

    def with_half_step(self) -> MdProtocol:
        """Copy the protocol with half the time step and the same time between frames."""
        return self.model_copy(update={"timestep_fs": self.timestep_fs / 2.0})


def _define(name: str, **fields: Any) -> MdProtocol:
    return MdProtocol.model_validate({"name": name, **fields})


PROTOCOLS: dict[str, MdProtocol] = {
    protocol.name: protocol
    for protocol in (
        _define(
            "cen2025",
            temperatures_k=(400.0, 600.0, 650.0, 700.0, 750.0, 800.0, 1000.0),
            timestep_fs=1.0,
            equilibration_ps=10.0,
            production_ps=100.0,
            budget_ps=100.0,
            still_after_ps=100.0,
        ),
        _define("mlip", temperatures_k=(600.0, 700.0, 800.0)),
    )
}
"""``cen2025``: the AIMD protocol of Cen et al., Nat. Sustain. 2025 (PBE, 520 eV, Γ, Nosé, 1 fs,
10 + 100 ps, no extension); ``mlip``: fewer temperatures and a longer step for a fast potential."""


def make_protocol(name: str, **changes: object) -> MdProtocol:
    """Make a named protocol with some of its fields changed.

    Args:
        name: one of ``PROTOCOLS``.
        changes: field → value.

    Raises:
        InputError: there is no such protocol or field, or a value makes no sense.
    """
    known_name("MD protocol", name, PROTOCOLS)
    content = PROTOCOLS[name].model_dump() | changes
    try:
        return MdProtocol.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "protocol"
        message = str(first["msg"]).removeprefix("Value error, ")
        raise InputError(f"MD protocol {name}: {place}: {message}.") from None
