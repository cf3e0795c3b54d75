"""The specification of an MD run: everything that decides its numbers."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from dualion.workflows.md.plan.protocol import MdProtocol


class RunSpec(BaseModel):
    """One run: one cell, one temperature, one replica, one engine.

    Resources (cores, GPU, walltime) are not part of it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    structure_key: str = Field(description="first part of the row's key in candidates.csv")
    source_id: str = Field(description="name of the structure in its source")
    formula: str = Field(description="reduced formula of the cell without defects")
    cation: str = Field(description="mobile cation, such as Li+")
    anion: str = Field(description="mobile anion, such as I-")
    cell: str = Field("perfect", description="name of the cell: perfect, or its defects")
    cell_sha256: str = Field(description="hash of the starting cell's file")
    charges_e: dict[str, float] = Field({}, description="element: oxidation state, e")
    engine: str = Field("chgnet", description="name of the engine")
    model_path: str | None = Field(None, description="file of the potential's parameters")
    python: str | None = Field(None, description="interpreter of the potential's environment")
    settings: dict[str, Any] = Field({}, description="the engine's own settings")
    temperature_k: PositiveFloat = Field(description="K")
    replica: int = Field(1, ge=1)
    seed: int = Field(ge=0, description="of the starting velocities and the thermostat")
    protocol: MdProtocol

    @property
    def key(self) -> str:
        """Hash of the specification, 16 hexadecimal digits.

        An environment of its own counts where there is one, so that older runs keep their keys.
        """
        unset = {"python"} if self.python is None else None
        text = json.dumps(self.model_dump(mode="json", exclude=unset), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def mobile(self) -> tuple[str, str]:
        """Symbols of the mobile cation and anion."""
        return _symbol(self.cation), _symbol(self.anion)

    @property
    def label(self) -> str:
        """Short label for titles."""
        return f"{self.formula} {self.cell} {self.temperature_k:g} K replica {self.replica}"

    @property
    def place(self) -> str:
        """Folder of the run below ``md/``: structure, cell, engine, temperature and replica."""
        structure = f"{self.structure_key[:16]}-{_sanitise(self.formula)}"
        run = f"{self.temperature_k:g}K-r{self.replica}-{self.key[:6]}"
        return f"{structure}/{_sanitise(self.cell)}/{_sanitise(self.engine)}/{run}"


def _symbol(ion: str) -> str:
    found = re.match(r"[A-Z][a-z]?", ion)
    return found.group() if found else ion


def _sanitise(text: str) -> str:
    """Make text part of a path: letters, digits, dots, minus and underscore."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._")[:60] or "_"
