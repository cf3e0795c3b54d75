"""The ``md:`` block of a configuration: molecular dynamics of the shortlist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    field_validator,
)

from dualion.workflows.execution.cluster_config import walltime_s
from dualion.workflows.md.plan.protocol import make_protocol
from dualion.workflows.potentials.cards import CARDS

if TYPE_CHECKING:
    from dualion.workflows.md.plan.protocol import MdProtocol

CELL_NAMES = ("perfect", "schottky", "frenkel")


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProtocolBlock(_Block):
    """A named protocol, and values that replace some of its own."""

    name: Literal["mlip", "cen2025"] = Field("mlip", description="mlip or cen2025")
    temperatures_k: list[PositiveFloat] | None = Field(None, min_length=1, description="K")
    replicas: PositiveInt | None = Field(None, description="runs of each temperature")
    timestep_fs: PositiveFloat | None = Field(None, description="time step, fs")
    thermostat: Literal["nose-hoover", "bussi", "langevin"] | None = Field(
        None, description="thermostat"
    )
    damping_fs: PositiveFloat | None = Field(None, description="relaxation of the thermostat, fs")
    equilibration_ps: float | None = Field(None, ge=0.0, description="dropped, ps")
    production_ps: PositiveFloat | None = Field(None, description="least production, ps")
    budget_ps: PositiveFloat | None = Field(None, description="most production, ps")
    block_ps: PositiveFloat | None = Field(None, description="length of an extension, ps")
    frame_fs: PositiveFloat | None = Field(None, description="time between frames, fs")
    target_n_eff: PositiveFloat | None = Field(None, description="effective jumps that suffice")
    still_after_ps: PositiveFloat | None = Field(
        None, description="least production of a still run, ps"
    )
    still_angstrom: PositiveFloat | None = Field(
        None, description="least displacement of motion, Å"
    )

    def protocol(self) -> MdProtocol:
        """Make the protocol; a longer production raises the budget with it.

        Raises:
            InputError: values that do not fit together.
        """
        changes = {k: v for k, v in self.model_dump(exclude={"name"}).items() if v is not None}
        if self.production_ps is not None and self.budget_ps is None:
            usual = make_protocol(self.name).budget_ps
            changes["budget_ps"] = max(usual, self.production_ps)
        return make_protocol(self.name, **changes)


class MdBlock(_Block):
    """The candidates to run, their cells, the protocol, and the resources."""

    engine: str = Field("chgnet", min_length=1, description="potential, cp2k, vasp or module:Class")
    potentials: list[str] = Field(
        [], description="several engines, each for every run, in place of the one"
    )
    model_path: str | None = Field(None, description="file of the potential's parameters")
    python: str | dict[str, str] | None = Field(
        None, description="interpreter of the potential's environment, or one for each potential"
    )
    settings: dict[str, Any] = Field({}, description="the engine's own settings")
    protocol: ProtocolBlock = ProtocolBlock()  # type: ignore[call-arg]
    candidates: PositiveInt = Field(3, description="how many from the top of candidates.csv")
    free_anions_only: bool = Field(True, description="leave out anions bound in polyanions")
    anions: list[str] = Field([], description="symbols of the anions; empty for all")
    cells: list[str] = Field(
        ["perfect", "schottky"],
        min_length=1,
        description="perfect, schottky, frenkel, or salt:LiI for inserted salt",
    )
    defect_pairs: PositiveInt = Field(1, description="defects in a cell")
    defects_per_formula_unit: PositiveFloat | None = Field(
        None, description="their concentration, in place of their number"
    )
    smallest_width_angstrom: PositiveFloat = Field(10.0, description="of the cell, Å")
    most_atoms: PositiveInt = Field(200, description="largest cell")
    configurations: PositiveInt = Field(16, description="ordered ones tried of a disordered cell")
    seed: int = Field(1, ge=0, description="of configurations, defects and velocities")
    cores: PositiveInt = Field(1, description="of one run")
    gpus: int = Field(0, ge=0, description="of one run")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="of a learned potential")
    launcher: list[str] = Field([], description="words before cp2k or vasp: mpirun, -np, 16")
    checkpoint_s: PositiveFloat = Field(60.0, description="longest time between checkpoints, s")
    walltime: str | None = Field(None, description="of one segment; without it the cluster block's")
    segments: PositiveInt | None = Field(
        None,
        description="segments that are queued one after another",
        validation_alias=AliasChoices("segments", "pieces"),  # the key of earlier versions
    )
    template: Path | None = Field(None, description="job script with {{header}} and {{command}}")

    @property
    def interpreter(self) -> str | None:
        """Absolute path of the engine's own interpreter; None for that of this process.

        Links are kept: the interpreter of a virtual environment is one.
        """
        given = self.python
        named = given.get(self.engine) if isinstance(given, dict) else given
        return str(Path(named).expanduser().absolute()) if named else None

    @property
    def engines(self) -> tuple[str, ...]:
        """Names of all engines that each run is computed with."""
        return tuple(dict.fromkeys(self.potentials)) or (self.engine,)

    def for_engine(self, engine: str) -> MdBlock:
        """Return the block of one of its engines.

        Of several, only those without parameters of their own take the model file.

        Args:
            engine: name of the engine.
        """
        card = CARDS.get(engine)
        own = len(self.engines) > 1 and card is not None and not card.needs_file
        changes: dict[str, Any] = {"engine": engine, "potentials": []}
        return self.model_copy(update=changes | ({"model_path": None} if own else {}))

    @field_validator("walltime")
    @classmethod
    def _is_time(cls, value: str | None) -> str | None:
        if value is not None:
            walltime_s(value)
        return value

    @field_validator("cells")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        unknown = [n for n in value if n not in CELL_NAMES and not re.fullmatch(r"salt:\w+", n)]
        if unknown:
            known = ", ".join((*CELL_NAMES, "salt:LiI"))
            raise ValueError(f"there is no cell {unknown[0]!r}; known: {known}")
        return list(dict.fromkeys(value))
