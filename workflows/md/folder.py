"""A folder whose candidates are run: a campaign's, or one that ``dualion screen`` wrote."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from dualion.results.store import MdRuns, Store
from dualion.structures.errors import InputError
from dualion.workflows.campaign.run import open_campaign
from dualion.workflows.campaign.yaml_reader import load_campaign, load_model
from dualion.workflows.execution.cluster_config import ClusterBlock
from dualion.workflows.execution.locks import folder_lock
from dualion.workflows.md.plan.config import MdBlock
from dualion.workflows.md.run.run_folder import RunFolder
from dualion.workflows.md.states import TRANSITIONS

if TYPE_CHECKING:
    from dualion.workflows.campaign.config import Campaign

OWN_STORE = "md.db"
"""Where the runs of a plain screening's folder are noted."""

OWN_SETTINGS = "md.yaml"
"""Blocks ``md`` and ``cluster`` of a plain screening's folder."""

BUSY_S = 30.0
"""How long another writer is waited for, s."""


class _Settings(BaseModel):
    """What ``md.yaml`` holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    md: MdBlock = MdBlock()  # type: ignore[call-arg]
    cluster: ClusterBlock = ClusterBlock()  # type: ignore[call-arg]


@dataclass(frozen=True, slots=True, kw_only=True)
class MdFolder:
    """A folder with candidates and their MD runs.

    Attributes:
        path: the folder.
        block: how its candidates are run.
        cluster: the batch system's queue, account and so on.
        campaign: the campaign, if it is one's folder.
    """

    path: Path
    block: MdBlock
    cluster: ClusterBlock
    campaign: Campaign | None = None

    @classmethod
    def open(cls, given: Path, *, new: bool = False) -> MdFolder:
        """The folder of a campaign (or its YAML file), or of a screening.

        Args:
            given: the folder.
            new: make it if need be, also without candidates.

        Raises:
            InputError: it is neither.
        """
        folder = given.parent if given.is_file() else given
        file = given if given.is_file() else folder / "campaign.yaml"
        if file.is_file() and file.name not in ("run.json", "candidates.csv", OWN_SETTINGS):
            campaign = load_campaign(file)
            return cls(path=folder, block=campaign.md, cluster=campaign.cluster, campaign=campaign)
        if new:
            _make(folder)
        elif not (folder / "candidates.csv").is_file() and not (folder / OWN_STORE).is_file():
            raise InputError(
                f"{folder} holds no candidates.csv; name a folder that dualion screen or dualion "
                "run wrote."
            )
        settings = _Settings()
        if (folder / OWN_SETTINGS).is_file():
            settings = load_model(folder / OWN_SETTINGS, _Settings)
        return cls(path=folder, block=settings.md, cluster=settings.cluster)

    @property
    def md(self) -> Path:
        """Where its runs lie."""
        return self.path / "md"

    @property
    def name(self) -> str:
        """For the queue."""
        return self.campaign.name if self.campaign else self.path.resolve().name

    def run_folder(self, place: str) -> RunFolder:
        """The folder of a run."""
        return RunFolder(self.md / place)

    @property
    def _store_at(self) -> str | Path:
        return self.campaign.store_at if self.campaign else self.path / OWN_STORE

    @contextlib.contextmanager
    def writing(self, *, wait_s: float = BUSY_S) -> Iterator[MdRuns]:
        """The runs, for the one process that may change them.

        Raises:
            InputError: another process writes for longer than is waited.
        """
        with contextlib.ExitStack() as stack:
            end = time.monotonic() + wait_s
            while True:
                try:
                    yield_store = stack.enter_context(self._one_writer())
                    break
                except InputError:
                    if time.monotonic() > end or not self.path.is_dir():
                        raise
                    time.sleep(0.2)
            yield MdRuns(yield_store, TRANSITIONS)

    @contextlib.contextmanager
    def _one_writer(self) -> Iterator[Store]:
        if self.campaign:
            with open_campaign(self.campaign) as (store, _):
                yield store
            return
        with folder_lock(self.path):
            store, _ = Store.open(self.path / OWN_STORE)
            try:
                yield store
            finally:
                store.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[MdRuns]:
        """The runs, to look at.

        Raises:
            InputError: none were queued, or the store cannot be read.
        """
        at = self._store_at
        if isinstance(at, Path) and not at.is_file():
            raise InputError(
                f"No MD run of {self.path} is queued; plan some with: dualion md queue {self.path}"
            )
        store = Store.read_only(at)
        try:
            yield MdRuns(store, TRANSITIONS)
        finally:
            store.close()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be made ({error}).") from error
