"""``campaign.yaml``: what a campaign computes, on what, and where.

Every field has its unit in its name or its description. The models check values; what they say
of a wrong one is turned into a line of the file by ``campaign_yaml``.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from dualion.results.score import ScoreWeights
from dualion.results.shortlist import Shortlist
from dualion.screening.conventions import DEFAULT_PRESET
from dualion.screening.criterion import (
    DIMENSIONALITY,
    MAX_CATION_BARRIER_EV,
    MAX_RATIO,
    MIN_RATIO,
    READING,
    RatioReading,
)
from dualion.structures.properties import PropertyTable, read_properties
from dualion.workflows.campaign.screening_options import screen_options
from dualion.workflows.campaign.sources import SourceBlock
from dualion.workflows.execution.cluster_config import ClusterBlock
from dualion.workflows.md.plan.config import MdBlock

if TYPE_CHECKING:
    from dualion.screening.screen_options import ScreenOptions


SCREENING_NOTE = "screening"
"""Where a store notes what ``dualion screen`` was asked, in place of ``campaign.yaml``."""


class Block(BaseModel):
    """Base of all blocks: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class IonsBlock(Block):
    """Which ions are to migrate."""

    cations: list[str] = Field(default=["Li"], min_length=1, description="symbols of the cations")
    anions: list[str] = Field(default=[], description="symbols of the anions; empty for all")
    guests: list[str] = Field(
        default=[], description="anions that are put into every structure, like I or S2-"
    )


class CriterionBlock(Block):
    """When a pair passes. A change recomputes nothing."""

    max_cation_barrier_ev: PositiveFloat = Field(MAX_CATION_BARRIER_EV, description="eV")
    min_ratio: float = Field(MIN_RATIO, ge=0.0, description="smallest ratio of the barriers")
    max_ratio: float = Field(MAX_RATIO, ge=0.0, description="largest ratio of the barriers")
    dimensionality: Literal[1, 2, 3] = Field(
        DIMENSIONALITY, description="barriers that decide: 1D, 2D or 3D"
    )
    reading: RatioReading = Field(READING, description="which barrier is divided by which")


class ShortlistBlock(Block):
    """What a pair that passes must be to be a candidate. A change recomputes nothing."""

    avoid: list[str] = Field(
        default=[], description="elements, or the lists radioactive, toxic, costly"
    )
    keep_doubtful: bool = Field(
        False, description="keep structures with lost or wrong atoms as candidates"
    )
    properties: str | None = Field(
        None, description="CSV or JSON file with energy_above_hull and band_gap by material_id"
    )


class BarriersBlock(Block):
    """How barriers are computed. A change recomputes every structure."""

    spacing_angstrom: float = Field(0.2, description="largest distance of grid points, Å")
    engine: str = Field("native", description="native, or bvlain to compare")
    preset: str = Field(DEFAULT_PRESET, description="conventions; bvlain is the published recipe")
    mechanism: str | None = Field(
        None, description="how the anion moves: vacancy, interstitial or empty_lattice"
    )
    lattice: str | None = Field(
        None, description="whether ions around a hop give way: relaxing or rigid"
    )
    morse_prefactor: float | None = Field(None, description="fraction of D0 in the Morse term")
    screening_factor: float | None = Field(None, description="f of the Coulomb term")
    radii: str | None = Field(None, description="covalent radii: ase or softbv")
    cutoff_angstrom: float | None = Field(None, description="reach of the pair energies, Å")
    disorder: str | None = Field(
        None,
        description="disordered structures as ordered configurations too: shortlist, ensemble "
        "(all) or weighted (none)",
    )
    refuse_estimates: bool = Field(False, description="accept tabulated pair parameters alone")
    strict: bool = Field(False, description="reject structures whose charges balance by force")


DIRECT = ("spacing_angstrom", "engine", "preset", "mechanism", "lattice", "disorder")
"""Keys of the block that ``screen_options`` takes by these names."""


class RunBlock(Block):
    """How the work is done. A change recomputes nothing."""

    time_limit_s: float = Field(300.0, ge=1.0, description="longest time for one structure, s")
    dashboard: str | None = Field(
        None, description="address of Dask's dashboard, for example 127.0.0.1:8787"
    )
    offline: bool = Field(False, description="use the caches of databases alone")


class Campaign(Block):
    """A whole campaign.

    Attributes:
        folder: folder of ``campaign.yaml``; relative paths start here.
        file: name of the YAML file, or ``OF_SCREENING``.
        inputs: the sources as the user named them; None for their labels.
    """

    OF_SCREENING: ClassVar[str] = "dualion screen"
    """Stands for the file of a campaign that a command line asked for."""

    name: str = Field("campaign", min_length=1, max_length=80, description="name in queue and logs")
    sources: list[SourceBlock] = Field(min_length=1, description="where structures come from")
    ions: IonsBlock = IonsBlock()
    criterion: CriterionBlock = CriterionBlock()  # type: ignore[call-arg]
    barriers: BarriersBlock = BarriersBlock()  # type: ignore[call-arg]
    shortlist: ShortlistBlock = ShortlistBlock()  # type: ignore[call-arg]
    ranking: dict[str, float] = Field(
        default_factory=dict, description="weights of the score's parts that differ from the usual"
    )
    run: RunBlock = RunBlock()  # type: ignore[call-arg]
    cluster: ClusterBlock = ClusterBlock()  # type: ignore[call-arg]
    md: MdBlock = MdBlock()  # type: ignore[call-arg]
    store: str | None = Field(
        None, description="URL of a PostgreSQL database; without it campaign.db in the folder"
    )
    folder: Path = Field(Path(), exclude=True)
    file: str = Field("campaign.yaml", exclude=True)
    inputs: list[str] | None = Field(None, exclude=True)

    def options(self) -> ScreenOptions:
        """What is asked of every structure.

        Raises:
            InputError: a name is unknown or a number makes no sense.
        """
        blocks = self.barriers.model_dump()
        direct = {n: blocks.pop(n) for n in DIRECT}
        refuse = blocks.pop("refuse_estimates")
        strict = blocks.pop("strict")
        return screen_options(
            cations=self.ions.cations,
            anions=self.ions.anions,
            guests=self.ions.guests,
            criterion=self.criterion.model_dump(),
            **direct,
            changes=blocks,
            refuse_estimates=refuse,
            strict=strict,
        )

    def weights(self) -> ScoreWeights:
        """Weights of the ranking.

        Raises:
            InputError: a part is unknown or a weight makes no sense.
        """
        return ScoreWeights.of(self.ranking)

    def rules(self) -> Shortlist:
        """What keeps a pair that passes from being a candidate.

        Raises:
            InputError: what is to be avoided is neither an element nor a list.
        """
        return Shortlist.of(self.shortlist.avoid, keep_doubtful=self.shortlist.keep_doubtful)

    def properties(self) -> PropertyTable | None:
        """The user's table of properties; None where there is none.

        Raises:
            InputError: it cannot be read.
        """
        name = self.shortlist.properties
        return read_properties(self.folder / name) if name else None

    @property
    def is_screening(self) -> bool:
        """Whether ``dualion screen`` asked for it, so that no file can be changed."""
        return self.file == self.OF_SCREENING

    def named_inputs(self) -> list[str]:
        """The sources in a few words each, for ``run.json``."""
        if self.inputs is not None:
            return list(self.inputs)
        return [source.label() for source in self.sources]

    @property
    def store_at(self) -> str | Path:
        """URL or path of the store."""
        return self.store or self.folder / "campaign.db"


def fingerprint(content: Any) -> str:
    """Short hash of plain data."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
