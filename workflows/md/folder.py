"""A folder with candidates and their MD runs: of a campaign or of ``dualion screen``."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from dualion.results.store import MdRuns, Store
from dualion.results.store.snapshot import open_for_reading
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
"""Store of the runs in the folder of a plain screening."""

OWN_SETTINGS = "md.yaml"
"""Blocks ``md`` and ``cluster`` in the folder of a plain screening."""

BUSY_S = 30.0
"""Longest wait for another writer, s."""


class _Settings(BaseModel):
    """Content of ``md.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    md: MdBlock = MdBlock()  # type: ignore[call-arg]
    cluster: ClusterBlock = ClusterBlock()  # type: ignore[call-arg]


@dataclass(frozen=True, slots=True, kw_only=True)
class MdFolder:
    """A folder with candidates and their MD runs.

    Attributes:
        path: the folder.
        block: candidates, cells, protocol, resources.
        cluster: the batch system's queue, account and so on.
        campaign: the campaign, if the folder is of one.
    """

    path: Path
    block: MdBlock
    cluster: ClusterBlock
    campaign: Campaign | None = None

    @classmethod
    def open(cls, given: Path, *, new: bool = False) -> MdFolder:
        """Open the folder of a campaign (or its YAML file), or of a screening.

        Args:
            given: the folder or file.
            new: make the folder where it is missing, also without candidates.

        Raises:
            InputError: it is neither.
        """
        folder = given.parent if given.is_file() else given
        file = given if given.is_file() else folder / "campaign.yaml"
        if file.is_file() and file.name not in ("run.json", "candidates.csv", OWN_SETTINGS):
            campaign = load_campaign(file)
            return cls(path=folder, block=campaign.md, cluster=campaign.cluster, campaign=campaign)
        if new:
            _make_folder(folder)
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
        """Folder of its runs."""
        return self.path / "md"

    @property
    def name(self) -> str:
        """Name in the queue."""
        return self.campaign.name if self.campaign else self.path.resolve().name

    def run_folder(self, place: str) -> RunFolder:
        """Folder of a run, by its path below ``md/``."""
        return RunFolder(self.md / place)

    @property
    def _store_location(self) -> str | Path:
        return self.campaign.store_at if self.campaign else self.path / OWN_STORE

    @contextlib.contextmanager
    def writing(self, *, wait_s: float = BUSY_S) -> Iterator[MdRuns]:
        """Open the store for the one process that may change it.

        Args:
            wait_s: longest wait for another writer, s.

        Raises:
            InputError: another process writes for longer.
        """
        with contextlib.ExitStack() as stack:
            end = time.monotonic() + wait_s
            while True:
                try:
                    store = stack.enter_context(self._one_writer())
                    break
                except InputError:
                    if time.monotonic() > end or not self.path.is_dir():
                        raise
                    time.sleep(0.2)
            yield MdRuns(store, TRANSITIONS)

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
        """Open the store to read it.

        Raises:
            InputError: none were queued, or the store cannot be read.
        """
        location = self._store_location
        if isinstance(location, Path) and not location.is_file():
            raise InputError(
                f"No MD run of {self.path} is queued; plan some with: dualion md queue {self.path}"
            )
        with open_for_reading(location) as store:
            yield MdRuns(store, TRANSITIONS)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be made ({error}).") from error
