"""Find one structure again: by a path, by its id in a run, or in the bundled set."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualion.screening.barriers import BarrierOptions
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.bvse.potential import PotentialOptions
from dualion.structures.errors import InputError
from dualion.structures.files import iter_raw_entries, reference_paths
from dualion.structures.records import RawEntry, Rejection

if TYPE_CHECKING:
    from dualion.results.run_folder import RunFolder

BUNDLED = "bundled reference set"
"""How a run's sidecar names the inputs of a run without any."""
SHOWN_IDS = 5


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
        if entry.source_id == wanted:
            return _usable(entry)
        if "#" not in wanted and (
            entry.source_id.startswith((f"{file}#", f"{file}/")) or not Path(file).suffix
        ):
            near.append(entry)
        if len(near) > SHOWN_IDS:
            break
    if len(near) == 1:
        return _usable(near[0])
    if near:
        names = ", ".join(entry.source_id for entry in near[:SHOWN_IDS])
        raise InputError(f"{wanted} holds several structures; name one, like {names}.")
    raise InputError(f"There is no structure {wanted!r}; the part after # is the name of a block.")


def _usable(entry: RawEntry | Rejection) -> RawEntry:
    if isinstance(entry, Rejection):
        raise InputError(f"{entry.source_id} cannot be read: {entry.message}")
    return entry


def find_in_run(run: RunFolder, source_id: str) -> RawEntry:
    """A structure of a run by its id, from the run's inputs, which are read again.

    Raises:
        InputError: the run or its inputs do not hold it.
    """
    known = {str(row.get("source_id")) for row in run.rows}
    if source_id not in known:
        raise InputError(
            f"{run.folder} holds no structure {source_id!r}; see the column source_id of its "
            "screened.csv."
        )
    listed = run.sidecar.get("inputs")
    inputs = [str(item) for item in listed] if isinstance(listed, list) else []
    paths: list[str] | list[Path] = reference_paths() if inputs == [BUNDLED] else inputs
    try:
        for entry in iter_raw_entries(paths):
            if entry.source_id == source_id:
                return _usable(entry)
    except InputError as error:
        raise InputError(
            f"The inputs of {run.folder} cannot be read again from here ({error}). Run the command "
            "in the folder where the screening ran, or give the structure's file itself."
        ) from error
    raise InputError(
        f"The inputs of {run.folder} hold {source_id!r} no more; give the structure's file itself."
    )


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
