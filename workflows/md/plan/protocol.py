"""How a run is done: time step, thermostat, lengths, and when it has seen enough."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, model_validator

from dualion.screening.transport.self_diffusion.verdict import MOBILE_N_EFF
from dualion.structures.errors import InputError
from dualion.workflows.campaign.screening_options import known_name


class MdProtocol(BaseModel):
    """One protocol; times in the unit that the name carries.

    A run equilibrates, produces ``production_ps``, and goes on in blocks until each mobile species
    has ``target_n_eff`` effective jumps or ``budget_ps`` is spent. It ends before that where
    nothing has moved by ``still_angstrom`` in ``still_after_ps``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("mlip", description="name in results")
    temperatures_k: tuple[PositiveFloat, ...] = Field((600.0,), min_length=1, description="K")
    replicas: int = Field(1, ge=1, description="runs of each temperature, with other seeds")
    timestep_fs: float = Field(2.0, gt=0.0, le=10.0, description="time step, fs")
    thermostat: Literal["nose-hoover", "bussi", "langevin"] = Field(
        "nose-hoover", description="how the temperature is held"
    )
    damping_fs: PositiveFloat = Field(100.0, description="relaxation time of the thermostat, fs")
    equilibration_ps: float = Field(2.0, ge=0.0, description="dropped from the analysis, ps")
    production_ps: PositiveFloat = Field(20.0, description="analysed in any case, ps")
    budget_ps: PositiveFloat = Field(100.0, description="most production, ps")
    block_ps: PositiveFloat = Field(10.0, description="by which a run is extended, ps")
    frame_fs: PositiveFloat = Field(50.0, description="time between kept frames, fs")
    target_n_eff: PositiveFloat = Field(MOBILE_N_EFF, description="effective jumps that suffice")
    still_after_ps: PositiveFloat = Field(20.0, description="when a run may be called still, ps")
    still_angstrom: PositiveFloat = Field(1.5, description="an ion that moved less has not, Å")

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
        """MD steps between two kept frames."""
        return round(self.frame_fs / self.timestep_fs)

    def steps_of(self, time_ps: float) -> int:
        """MD steps of a time, rounded up to whole frames."""
        frames = math.ceil(time_ps * 1000.0 / self.frame_fs - 1e-6)  # 0.15 ps is no 16 frames
        return frames * self.steps_per_frame

    def with_half_step(self) -> MdProtocol:
        """The same with half the time step; frames keep their distance."""
        return self.model_copy(update={"timestep_fs": self.timestep_fs / 2.0})


def _protocol(name: str, **fields: Any) -> MdProtocol:
    return MdProtocol.model_validate({"name": name, **fields})


PROTOCOLS: dict[str, MdProtocol] = {
    protocol.name: protocol
    for protocol in (
        _protocol(
            "cen2025",
            temperatures_k=(400.0, 600.0, 650.0, 700.0, 750.0, 800.0, 1000.0),
            timestep_fs=1.0,
            equilibration_ps=10.0,
            production_ps=100.0,
            budget_ps=100.0,
            still_after_ps=100.0,
        ),
        _protocol("mlip", temperatures_k=(600.0, 700.0, 800.0)),
    )
}
"""``cen2025``: the AIMD protocol of Cen et al., Nat. Sustain. 2025 (PBE, 520 eV, Γ, Nosé, 1 fs,
10 + 100 ps, no extension); ``mlip``: fewer temperatures and a longer step for a fast potential."""


def protocol_named(name: str, **changes: object) -> MdProtocol:
    """A named protocol with some of its fields changed.

    Raises:
        InputError: there is no such protocol or field, or a value makes no sense.
    """
    from pydantic import ValidationError

    known_name("MD protocol", name, PROTOCOLS)
    content = PROTOCOLS[name].model_dump() | changes
    try:
        return MdProtocol.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "protocol"
        said = str(first["msg"]).removeprefix("Value error, ")
        raise InputError(f"MD protocol {name}: {place}: {said}.") from None
