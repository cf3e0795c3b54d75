"""``dualion screen``: a campaign in its output folder, asked for by options instead of a file."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import itertools
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.bvse.potential import PRESETS
from dualion.screening.conventions import DEFAULT_PRESET, PUBLISHED_PRESET
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.errors import InputError
from dualion.structures.files import iter_raw_entries, reference_paths
from dualion.workflows.campaign.anode_stability import PhaseSource
from dualion.workflows.campaign.config import Campaign, RunBlock, ShortlistBlock
from dualion.workflows.campaign.driver import Progress
from dualion.workflows.campaign.run import RunResult, run_campaign
from dualion.workflows.campaign.sources import WITH_PATH, QueryBlock, SourceBlock, path_from
from dualion.workflows.campaign.structure_lookup import BUNDLED
from dualion.workflows.campaign.tasks import DEFAULT_TIME_LIMIT_S
from dualion.workflows.execution.cluster_config import ClusterBlock

STORE_NAME = "campaign.db"


def screen_paths(
    paths: Sequence[Path | str],
    options: ScreenOptions,
    *,
    sources: Sequence[str] = (),
    query: QueryBlock | None = None,
    output: Path | None = None,
    workers: int = 1,
    time_limit_s: float = DEFAULT_TIME_LIMIT_S,
    offline: bool = False,
    ranking: Mapping[str, float] | None = None,
    shortlist: ShortlistBlock | None = None,
    phases: PhaseSource | None = None,
    stop: threading.Event | None = None,
    on_campaign: Callable[[Campaign], None] | None = None,
    on_stage: Callable[[str], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> RunResult:
    """Screen files and databases and write the tables, or go on with what is missing of that.

    Args:
        paths: files, folders, globs, archives; none, and no sources, for the bundled set.
        options: what is asked of every structure.
        sources: databases beside the paths; all of them are filtered and freed of duplicates.
        query: what is asked of the sources.
        output: folder of the tables; None for a new one named after the time.
        workers: most processes; 0 for one a core.
        time_limit_s: longest time for one structure, s.
        offline: ask databases' caches alone.
        ranking: weights of the score's parts that differ from the usual.
        shortlist: what a pair that passes must be to be a candidate; the defaults if None.
        phases: known compounds of a chemical system, for the candidates' reaction with the metal
            anode. None to leave those columns empty.
        stop: once it is set, the structures at work are finished and no more is begun.
        on_campaign: called with the campaign once its folder is there.
        on_stage: called with a word on what is being done.
        on_progress: called as structures are done.

    Raises:
        InputError: a path, an option or the output folder is wrong, nothing was found, or the
            folder holds something else.
    """
    if not sources:
        _check_that_something_is_there(paths)
    campaign = _blocks(options).model_copy(
        update={
            "sources": [_source(paths, sources, query)],
            "ranking": dict(ranking or {}),
            "shortlist": _with_absolute_properties(shortlist or ShortlistBlock()),  # type: ignore[call-arg]
            "run": RunBlock.model_validate({"time_limit_s": time_limit_s, "offline": offline}),
            "cluster": ClusterBlock.model_validate({"workers": workers}),
            "file": Campaign.OF_SCREENING,
            "inputs": _inputs(paths, sources),
        }
    )
    campaign.weights()
    campaign.rules()
    campaign.properties()
    folder = output_folder(output)
    campaign = campaign.model_copy(
        update={"folder": folder, "name": (folder.resolve().name or "screening")[:80]}
    )
    if on_campaign:
        on_campaign(campaign)
    return run_campaign(
        campaign, phases=phases, stop=stop, on_stage=on_stage, on_progress=on_progress
    )


def _check_that_something_is_there(paths: Sequence[Path | str]) -> None:
    """Raises:
    InputError: a path is wrong, or nothing that could be a structure is there.
    """
    inputs = list(paths) or reference_paths()
    if next(iter(iter_raw_entries(inputs)), None) is None:
        raise InputError(
            f"No structure was found in {', '.join(str(path) for path in inputs)}. Name files or "
            "folders with CIF, POSCAR, extxyz, pymatgen JSON or .jsonl[.gz], or archives of these."
        )


def _source(
    paths: Sequence[Path | str], sources: Sequence[str], query: QueryBlock | None
) -> SourceBlock:
    """The block of what a command line names; its paths start where the command runs."""
    if sources:
        named = [_absolute_source(text) for text in sources]
        named += [f"file:{_absolute(path)}" for path in paths]
        asked = (query or QueryBlock.model_validate({})).model_dump()
        return SourceBlock.model_validate({"combined": named, "query": asked})
    if paths:
        return SourceBlock.model_validate({"files": [_absolute(path) for path in paths]})
    return SourceBlock.model_validate({"bundled": True})


def _inputs(paths: Sequence[Path | str], sources: Sequence[str]) -> list[str]:
    """The inputs as they were named, for ``run.json``."""
    if sources:
        return [*sources, *(f"file:{path}" for path in paths)]
    return [str(path) for path in paths] or [BUNDLED]


def _with_absolute_properties(shortlist: ShortlistBlock) -> ShortlistBlock:
    if shortlist.properties is None:
        return shortlist
    return shortlist.model_copy(update={"properties": _absolute(shortlist.properties)})


def _absolute(path: Path | str) -> str:
    return path_from(Path.cwd(), path)


def _absolute_source(text: str) -> str:
    kind, _, rest = text.partition(":")
    return f"{kind}:{_absolute(rest)}" if kind in WITH_PATH and rest else text


def _blocks(options: ScreenOptions) -> Campaign:
    """A campaign that asks for these options, of no sources yet.

    Raises:
        InputError: a campaign cannot ask for them.
    """
    barriers, potential = options.barriers, options.barriers.potential
    campaign = Campaign.model_validate(
        {
            "sources": [{"bundled": True}],
            "ions": {
                "cations": list(options.cations),
                "anions": list(options.anions),
                "guests": list(options.guests),
            },
            "criterion": dataclasses.asdict(options.criterion),
            "barriers": {
                "spacing_angstrom": barriers.spacing_angstrom,
                "engine": barriers.engine,
                **_preset_of(options),
                "disorder": options.disorder,
                "refuse_estimates": potential.parameter_quality is ParameterQuality.TABULATED,
                "strict": options.strict,
            },
        }
    )
    if campaign.options() != options:
        raise InputError("These options cannot be kept in a folder; use those of screen_options.")
    return campaign


def _preset_of(options: ScreenOptions) -> dict[str, Any]:
    """The preset of some options, and what differs from it."""
    potential, deciding = options.barriers.potential, options.deciding_anion
    name = PUBLISHED_PRESET if potential.preset == "custom" else potential.preset
    usual = PRESETS[name]
    changed = {
        field: getattr(potential, field)
        for field in ("morse_prefactor", "screening_factor", "radii", "cutoff_angstrom")
        if getattr(potential, field) != getattr(usual, field)
    }
    if deciding is None:
        return {"preset": name, **changed}
    own = {"mechanism": deciding.mechanism, "lattice": deciding.lattice}
    return {"preset": DEFAULT_PRESET if options.judged == "refined" else name, **own, **changed}


def output_folder(chosen: Path | None) -> Path:
    """The folder of a screening, made if need be; without a choice, one named after the time.

    Raises:
        InputError: it cannot be made or written, or holds tables without a store to go on from.
    """
    try:
        folder = _made(chosen) if chosen else _folder_of_now()
    except OSError as error:
        raise InputError(
            f"Cannot write into the folder {chosen or Path.cwd()}: {error.strerror}. Choose "
            "another --output."
        ) from error
    if (folder / "screened.csv").exists() and not (folder / STORE_NAME).exists():
        raise InputError(
            f"{chosen} already holds a run (screened.csv) and no store to go on from. Choose "
            "another --output, so that nothing is overwritten."
        )
    return folder


def _made(folder: Path) -> Path:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file, not a folder. Choose another --output.")
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(13, "Permission denied")
    return folder


def _folder_of_now() -> Path:
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    for number in itertools.count(1):
        folder = Path(f"dualion-{stamp}" if number == 1 else f"dualion-{stamp}-{number}")
        with contextlib.suppress(FileExistsError):  # two runs may start in one second
            folder.mkdir()
            return folder
    raise AssertionError("unreachable")
