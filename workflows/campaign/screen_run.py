"""``dualion screen``: a folder of tables from files of structures."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import heapq
import itertools
import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualion.results.columns import CANDIDATES, SCHEMA_VERSION, SCREENED, Row
from dualion.results.funnel import Funnel
from dualion.results.ranking import ranked_candidates
from dualion.results.tables import TableWriter, write_table
from dualion.screening.bvse.softbv import parameters_version
from dualion.structures.errors import InputError
from dualion.structures.files import count_entries, iter_raw_entries, reference_paths
from dualion.structures.records import RawEntry, Rejection
from dualion.workflows.campaign.anode_stability import AnodeStability, PhaseSource
from dualion.workflows.campaign.tasks import DEFAULT_TIME_LIMIT_S, Job, Outcome, rejection_outcome
from dualion.workflows.execution.executor import run_all
from dualion.workflows.execution.signals import stop_on_signal
from dualion.workflows.execution.warm_up import warm_up
from dualion.workflows.execution.workers import local_client

if TYPE_CHECKING:
    from dualion.screening.screen import ScreenOptions

PACKAGES = ("dualion", "numpy", "numba", "scipy", "pymatgen", "spglib", "ase", "bvlain", "dask")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """The files of one run."""

    folder: Path

    @property
    def screened(self) -> Path:
        """Every structure × ion pair."""
        return self.folder / "screened.csv"

    @property
    def arriving(self) -> Path:
        """``screened.csv`` while it grows; it is renamed when the run ends."""
        return self.folder / "screened.csv.arriving"

    @property
    def candidates(self) -> Path:
        """What passed, ranked."""
        return self.folder / "candidates.csv"

    @property
    def sidecar(self) -> Path:
        """Conventions, versions and counts."""
        return self.folder / "run.json"


@dataclass(slots=True, kw_only=True)
class RunSummary:
    """What a run leaves to say.

    Attributes:
        files: where the tables are.
        funnel: counts step by step.
        candidates: ranked rows, of a campaign the first ones alone.
        candidate_count: how many there are.
        finished: False where the run was interrupted.
        anode_problem: why columns of the reaction with the anode are empty; empty where all is
            well, or no reaction was asked for.
    """

    files: RunFiles
    funnel: Funnel = field(default_factory=Funnel)
    candidates: list[Row] = field(default_factory=list)
    candidate_count: int = 0
    finished: bool = True
    anode_problem: str = ""


def new_folder(chosen: Path | None) -> RunFiles:
    """The run's folder, made if need be; without a choice, a new one named after the time.

    Raises:
        InputError: it cannot be made or written, or holds an earlier run.
    """
    try:
        folder = _made(chosen) if chosen else _folder_of_now()
        files = RunFiles(folder=folder)
        if files.screened.exists():
            raise FileExistsError
        files.arriving.touch(exist_ok=False)
    except FileExistsError:
        raise InputError(
            f"{chosen} already holds a run (screened.csv). Choose another --output, so that "
            "nothing is overwritten."
        ) from None
    except OSError as error:
        raise InputError(
            f"Cannot write into the folder {chosen or Path.cwd()}: {error.strerror}. Choose "
            "another --output."
        ) from error
    return files


def _made(folder: Path) -> Path:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file, not a folder. Choose another --output.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _folder_of_now() -> Path:
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    for number in itertools.count(1):
        folder = Path(f"dualion-{stamp}" if number == 1 else f"dualion-{stamp}-{number}")
        with contextlib.suppress(FileExistsError):  # two runs may start in one second
            folder.mkdir()
            return folder
    raise AssertionError("unreachable")


def screen_paths(
    paths: Sequence[Path | str],
    options: ScreenOptions,
    *,
    pull: Callable[[], Iterable[RawEntry | Rejection]] | None = None,
    output: Path | None = None,
    workers: int = 1,
    time_limit_s: float = DEFAULT_TIME_LIMIT_S,
    on_start: Callable[[int | None], None] | None = None,
    on_outcome: Callable[[Outcome, Funnel], None] | None = None,
    phases: PhaseSource | None = None,
) -> RunSummary:
    """Screen files and write the tables.

    Args:
        paths: files, folders, globs, archives; none for the bundled reference set.
        options: what is asked of every structure.
        pull: gives the entries instead of the paths, which then only name the inputs; what it
            pulls may be long in coming.
        output: folder of the tables; None for a new one named after the time.
        workers: most processes.
        time_limit_s: longest time for one structure, s.
        on_start: called with the number of entries, if it is known, when the work begins.
        on_outcome: called after each structure, for progress.
        phases: known compounds of a chemical system, for the candidates' reaction with the metal
            anode; asked when all else is written. None to leave those columns empty.

    Raises:
        InputError: a path, an option or the output folder is wrong, or nothing was found.
    """
    entries, total = (iter(pull()), None) if pull else _found(paths)
    files = new_folder(output)
    summary = RunSummary(files=files)
    with stop_on_signal() as stop:
        warm_up()
        with local_client(min(workers, total or workers)) as client:
            if on_start:
                on_start(total)
            jobs = _jobs(entries, options)
            outcomes = run_all(client, jobs, time_limit_s=time_limit_s, stop=stop)
            _collect(outcomes, options, summary, on_outcome)
        summary.finished = not stop.is_set() or summary.funnel.read == total
    inputs = [str(path) for path in paths] or ["bundled reference set"]
    _write_rest(inputs, options, summary)
    if phases and summary.candidates and summary.finished:
        _add_reactions(inputs, options, summary, phases)
    return summary


def _found(
    paths: Sequence[Path | str],
) -> tuple[Iterator[RawEntry | Rejection], int | None]:
    """The entries, and their number where that is quickly known.

    Raises:
        InputError: a path is wrong, or nothing that could be a structure is there.
    """
    inputs = list(paths) or reference_paths()
    entries = iter(iter_raw_entries(inputs))
    first = next(entries, None)
    if first is None:
        raise InputError(
            f"No structure was found in {', '.join(str(path) for path in inputs)}. Name files or "
            "folders with CIF, POSCAR, extxyz, pymatgen JSON or .jsonl[.gz], or archives of these."
        )
    return itertools.chain([first], entries), count_entries(inputs)


def _jobs(
    entries: Iterable[RawEntry | Rejection], options: ScreenOptions
) -> Iterator[Job | Outcome]:
    for index, entry in enumerate(entries):
        if isinstance(entry, Rejection):
            yield rejection_outcome(index, entry, options)
        else:
            yield Job(index=index, entry=entry, options=options)


def _collect(
    outcomes: Iterable[Outcome],
    options: ScreenOptions,
    summary: RunSummary,
    on_outcome: Callable[[Outcome, Funnel], None] | None,
) -> None:
    """Write rows in the order of the input as they come; keep those of candidates."""
    try:
        with summary.files.arriving.open("w", newline="", encoding="utf-8") as handle:
            writer = TableWriter(handle, SCREENED)

            def note(outcome: Outcome) -> Outcome:
                summary.funnel.add(
                    outcome.rows, stage=outcome.stage, cation_below=outcome.cation_below
                )
                if on_outcome:
                    on_outcome(outcome, summary.funnel)
                return outcome

            for outcome in in_order(note(outcome) for outcome in outcomes):
                writer.write(outcome.rows)
                summary.candidates += [row for row in outcome.rows if row.get("dai") is True]
    except OSError as error:
        raise _unwritable(summary.files.arriving, error) from error


def in_order(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """Outcomes by ascending index from 0; at the end, or at an interrupt, what is left over.

    What is held back meanwhile is no more than what is in flight.
    """
    held: list[tuple[int, Outcome]] = []
    expected = 0
    with contextlib.suppress(KeyboardInterrupt):
        for outcome in outcomes:
            heapq.heappush(held, (outcome.index, outcome))
            while held and held[0][0] == expected:
                yield heapq.heappop(held)[1]
                expected += 1
    while held:
        yield heapq.heappop(held)[1]


def _write_rest(inputs: Sequence[str], options: ScreenOptions, summary: RunSummary) -> None:
    """Give ``screened.csv`` its name; write the ranked table and the sidecar."""
    files = summary.files
    dimensionality = options.criterion.dimensionality
    anode = AnodeStability(options=options)
    summary.candidates = [
        {**row, **anode.interphase_of(row)}
        for row in ranked_candidates(summary.candidates, dimensionality=dimensionality)
    ]
    summary.candidate_count = len(summary.candidates)
    summary.anode_problem = anode.problem
    _write_ranked(inputs, options, summary)
    try:
        files.arriving.replace(files.screened)
    except OSError as error:
        raise _unwritable(files.folder, error) from error


def _add_reactions(
    inputs: Sequence[str], options: ScreenOptions, summary: RunSummary, phases: PhaseSource
) -> None:
    """Fill the columns of the reaction with the anode; a signal leaves the rest of them empty."""
    anode = AnodeStability(options=options, phases_of=phases, problem=summary.anode_problem)
    with stop_on_signal() as stop:
        for row in summary.candidates:
            if stop.is_set():
                anode.problem = "Interrupted before every reaction with the anode was known."
                break
            row.update(anode.reaction_of(row))
        summary.anode_problem = anode.problem
        _write_ranked(inputs, options, summary)


def _write_ranked(inputs: Sequence[str], options: ScreenOptions, summary: RunSummary) -> None:
    """Write the ranked table and the sidecar, each as a whole."""
    try:
        write_table(summary.files.candidates, summary.candidates, CANDIDATES)
        write_sidecar(summary.files.sidecar, sidecar(inputs, options, summary))
    except OSError as error:
        raise _unwritable(summary.files.folder, error) from error


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"Cannot write {path}: {error.strerror}. What was done until then is in "
        f"{path.parent if path.suffix else path}; free space or choose another --output."
    )


def sidecar(inputs: Sequence[str], options: ScreenOptions, summary: RunSummary) -> dict[str, Any]:
    """Conventions, versions and counts, to be written beside the tables."""
    return {
        "schema_version": SCHEMA_VERSION,
        "finished": summary.finished,
        "written": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "inputs": list(inputs),
        "options": dataclasses.asdict(options),
        "pair_parameters": parameters_version(),
        "funnel": dict(summary.funnel.steps()),
        "reasons": dict(summary.funnel.reasons),
        "anode_problem": summary.anode_problem,
        "columns": {c.key: {"unit": c.unit, "meaning": c.meaning} for c in CANDIDATES},
        "versions": {"python": platform.python_version()} | _versions(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def write_sidecar(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file, atomically."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, path)  # noqa: PTH105
