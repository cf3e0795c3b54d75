"""The structures behind rows of a finished run, found again in one pass."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dualion.results.store import Store
from dualion.results.store.schema import entries, structures
from dualion.structures.errors import InputError
from dualion.structures.files import iter_raw_entries, reference_paths
from dualion.structures.records import RawEntry
from dualion.workflows.campaign.yaml_reader import load_campaign

if TYPE_CHECKING:
    from dualion.results.run_folder import RunFolder
    from dualion.workflows.campaign.config import Campaign

Name = tuple[str, str]
"""Source and name there."""

BUNDLED = "bundled reference set"
"""How a run's sidecar names the inputs of a run without any."""
QUERIED_AT_ONCE = 500


def structures_of_run(
    run: RunFolder, wanted: Iterable[Name], *, inputs: Sequence[str] = ()
) -> dict[Name, RawEntry]:
    """Texts of structures: from a campaign's store, or from the run's inputs read again.

    Args:
        run: the run.
        wanted: source and name of each.
        inputs: where to look instead, for inputs that were moved.

    Raises:
        InputError: the inputs cannot be read from here; the message says what to do.
    """
    names = set(wanted)
    if not names:
        return {}
    if not inputs and (run.folder / "campaign.yaml").is_file():
        return _from_store(load_campaign(run.folder / "campaign.yaml"), names)
    return _from_inputs(run, names, inputs)


def _from_inputs(run: RunFolder, names: set[Name], inputs: Sequence[str]) -> dict[Name, RawEntry]:
    listed = list(inputs) or [str(item) for item in run.sidecar.get("inputs") or ()]
    paths: Sequence[str | Path] = reference_paths() if listed == [BUNDLED] else listed
    found: dict[Name, RawEntry] = {}
    try:
        for entry in iter_raw_entries(paths):
            name = (entry.source, entry.source_id)
            if isinstance(entry, RawEntry) and name in names:
                found.setdefault(name, entry)
                if len(found) == len(names):
                    break
    except InputError as error:
        raise InputError(
            f"The inputs of {run.folder} cannot be read again from here ({error}). Run the command "
            "in the folder where the screening ran, or name the inputs with --input."
        ) from error
    return found


def _from_store(campaign: Campaign, names: set[Name]) -> dict[Name, RawEntry]:
    from sqlalchemy import select

    store = Store.read_only(campaign.store_at)
    plan = int(store.note("plan") or 0)
    ids = sorted({source_id for _, source_id in names})
    statement = select(
        entries.c.source, entries.c.source_id, entries.c.metadata,
        structures.c.format, structures.c.text,
    ).join(structures, entries.c.structure_id == structures.c.id)  # fmt: skip
    found: dict[Name, RawEntry] = {}
    try:
        with store.engine.connect() as connection:
            for start in range(0, len(ids), QUERIED_AT_ONCE):
                part = ids[start : start + QUERIED_AT_ONCE]
                chosen = statement.where(entries.c.plan == plan, entries.c.source_id.in_(part))
                for source, source_id, metadata, kind, text in connection.execute(chosen):
                    found[source, source_id] = RawEntry(
                        source=source,
                        source_id=source_id,
                        format=kind,
                        text=zlib.decompress(text).decode("utf-8", "surrogatepass"),
                        metadata=json.loads(metadata),
                    )
    finally:
        store.close()
    return {name: entry for name, entry in found.items() if name in names}
