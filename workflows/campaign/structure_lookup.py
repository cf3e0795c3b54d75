"""Find structures again: by a path, by their ids in a run, or in the bundled set."""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualion.results.run_folder import identity
from dualion.results.store import Store
from dualion.results.store.schema import entries, structures
from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.bvse.potential import PotentialOptions
from dualion.structures.errors import InputError
from dualion.structures.files import iter_raw_entries, reference_paths
from dualion.structures.records import RawEntry, Rejection, source_file_of
from dualion.workflows.campaign.yaml_reader import load_campaign, screening_of

if TYPE_CHECKING:
    from dualion.results.columns import Row
    from dualion.results.run_folder import RunFolder
    from dualion.workflows.campaign.config import Campaign

BUNDLED = "bundled reference set"
"""How a run's sidecar names the inputs of a run without any."""
SHOWN_IDS = 5
QUERIED_AT_ONCE = 500

Name = tuple[str, str]
"""Source and name there."""


def find_entry(name: str) -> RawEntry:
    """A structure by ``file``, ``file#block``, ``archive/member#block`` or a bundled name.

    Raises:
        InputError: there is none, or several; the message names some of them.
    """
    path_text = name.split("#")[0]
    file = _existing_file(Path(path_text).expanduser())
    if file is None:
        stem = path_text.removesuffix(".cif")
        bundled = [path for path in reference_paths() if path.stem == stem]
        if not bundled:
            raise InputError(
                f"There is no file {path_text!r}, and no bundled structure of that name. Give a "
                "file, file#block, or the id of a structure with --run FOLDER."
            )
        return _only(iter_raw_entries(bundled), name)
    if file.is_dir():
        raise InputError(f"{name} is a folder; name one file in it.")
    wanted = file.name + name[len(str(file)) :] if name.startswith(str(file)) else ""
    return _only(iter_raw_entries([file]), wanted or file.name)


def _existing_file(path: Path) -> Path | None:
    """The path, or the archive that it leads into."""
    if path.exists():
        return path
    return next((parent for parent in path.parents if parent.is_file()), None)


def _only(entries: Iterable[RawEntry | Rejection], wanted: str) -> RawEntry:
    """The entry of that id; without a block in the id, the only entry of the file.

    Raises:
        InputError: there is none, or several.
    """
    file = wanted.split("#")[0]
    near: list[RawEntry | Rejection] = []
    for entry in entries:
        if wanted in (entry.source_id, name_in_file(entry)):
            return _usable(entry)
        if "#" not in wanted and (
            source_file_of(entry) == file
            or source_file_of(entry).startswith(f"{file}/")
            or not Path(file).suffix
        ):
            near.append(entry)
        if len(near) > SHOWN_IDS:
            break
    if len(near) == 1:
        return _usable(near[0])
    if near:
        names = ", ".join(name_in_file(entry) for entry in near[:SHOWN_IDS])
        raise InputError(f"{wanted} holds several structures; name one, like {names}.")
    raise InputError(f"There is no structure {wanted!r}; the part after # is the name of a block.")


def name_in_file(entry: RawEntry | Rejection) -> str:
    """Return ``file#id``, by which a structure is found in its file."""
    file, name = source_file_of(entry), entry.source_id
    holds_file = name.startswith(file) and name[len(file) :][:1] in ("", "#", "~")
    return name if holds_file else f"{file}#{name}"


def _usable(entry: RawEntry | Rejection) -> RawEntry:
    if isinstance(entry, Rejection):
        raise InputError(f"{entry.source_id} cannot be read: {entry.message}")
    return entry


def find_in_run(run: RunFolder, name: str) -> RawEntry:
    """Find a structure of a run.

    Args:
        run: the run.
        name: its id, a part of that, or its reduced formula.

    Raises:
        InputError: the run does not hold it or holds several, or its structures are out of reach.
    """
    row = rows_named(run, name)[0]
    wanted = (str(row["source"]), str(row["source_id"]))
    found = structures_of_run(run, [wanted])
    if wanted not in found:
        raise InputError(
            f"The inputs of {run.folder} hold {wanted[1]!r} no more; give the structure's file "
            "itself."
        )
    return found[wanted]


def rows_named(run: RunFolder, name: str) -> list[Row]:
    """Return the rows of the one structure that a name means, ranked ones completed.

    Args:
        run: the run.
        name: id of the structure, a part of that, or its reduced formula.

    Raises:
        InputError: there is none, or several.
    """
    ranked = {identity(row): row for row in run.candidates}
    tests: tuple[Callable[[Row], bool], ...] = (
        lambda row: str(row["source_id"]) == name,
        lambda row: f"{row.get('source_file')}#{row['source_id']}" == name,
        lambda row: str(row.get("reduced_formula")) == name,
        lambda row: name.lower() in str(row["source_id"]).lower(),
    )
    for test in tests:
        found = [row for row in run.rows if test(row)]
        ids = list(dict.fromkeys(str(row["source_id"]) for row in found))
        if len(ids) == 1:
            return [ranked.get(identity(row), row) for row in found]
        if ids:
            more = f" and {len(ids) - SHOWN_IDS} more" if len(ids) > SHOWN_IDS else ""
            raise InputError(
                f"{name!r} means {len(ids)} structures: {', '.join(ids[:SHOWN_IDS])}{more}. "
                "Give the id of one."
            )
    raise InputError(
        f"{run.folder} holds no structure {name!r}; see the column source_id of screened.csv."
    )


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
    campaign = None if inputs else _campaign_of(run.folder)
    return _from_store(campaign, names) if campaign else _from_inputs(run, names, inputs)


def _campaign_of(folder: Path) -> Campaign | None:
    """The campaign whose store holds a folder's structures; None where there is no store."""
    if (folder / "campaign.yaml").is_file():
        return load_campaign(folder / "campaign.yaml")
    return screening_of(folder)


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


def barrier_options_of(run: RunFolder) -> BarrierOptions:
    """The conventions of a run, so that a path has the barriers of its tables.

    Raises:
        InputError: the sidecar does not hold them.
    """
    try:
        stored: dict[str, Any] = run.sidecar["options"]["barriers"]
        potential = dict(stored["potential"])
        potential["parameter_quality"] = ParameterQuality(potential["parameter_quality"])
        fields = {field.name for field in dataclasses.fields(BarrierOptions)} - {"potential"}
        plain = {name: value for name, value in stored.items() if name in fields}
        plain["engine"] = "native"  # bvlain gives no paths
        return BarrierOptions(**plain, potential=PotentialOptions(**potential))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"run.json of {run.folder} holds no conventions that this version knows ({error}); "
            "leave out --run and give the file."
        ) from error
