"""``dualion screen``: a folder of tables from files of structures."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from results.columns import CANDIDATES, SCHEMA_VERSION, SCREENED, Row
from results.funnel import Funnel
from results.ranking import ranked_candidates
from results.tables import TableWriter, write_table
from structures.errors import InputError
from workflows.tasks import DEFAULT_TIME_LIMIT_S, Outcome

if TYPE_CHECKING:
    from screening.pairs import ScreenOptions

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
        candidates: ranked rows.
        finished: False where the run was interrupted.
    """

    files: RunFiles
    funnel: Funnel = field(default_factory=Funnel)
    candidates: list[Row] = field(default_factory=list)
    finished: bool = True


def new_folder(chosen: Path | None) -> RunFiles:
    """The run's folder, made if need be; without a choice, one named after the time.

    Raises:
        InputError: it cannot be made, or holds an earlier run.
    """
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    files = RunFiles(folder=chosen or Path(f"dualion-{stamp}"))
    try:
        files.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"Cannot make the folder {files.folder}: {error.strerror}. Choose another --output."
        ) from error
    if files.screened.exists():
        raise InputError(
            f"{files.folder} already holds a run (screened.csv). Choose another --output, so that "
            "nothing is overwritten."
        )
    if not os.access(files.folder, os.W_OK):
        raise InputError(f"{files.folder} cannot be written to. Choose another --output.")
    return files


def screen_paths(
    paths: Sequence[Path | str],
    options: ScreenOptions,
    *,
    output: Path | None = None,
    workers: int = 1,
    time_limit_s: float = DEFAULT_TIME_LIMIT_S,
    on_start: Callable[[int | None], None] | None = None,
    on_outcome: Callable[[Outcome, Funnel], None] | None = None,
) -> RunSummary:
    """Screen files and write the tables.

    Args:
        paths: files, folders, globs, archives; none for the bundled reference set.
        options: what is asked of every structure.
        output: folder of the tables; None for a new one named after the time.
        workers: processes.
        time_limit_s: longest time for one structure, s.
        on_start: called with the number of entries, if it is known, when the work begins.
        on_outcome: called after each structure, for progress.

    Raises:
        InputError: a path, an option or the output folder is wrong.
    """
    from structures.files import count_entries, iter_raw_entries, reference_paths
    from workflows.executor import local_client, run_all, warm_up

    inputs = list(paths) or reference_paths()
    entries = iter_raw_entries(inputs)
    files = new_folder(output)
    summary = RunSummary(files=files)
    warm_up()
    with local_client(workers) as client:
        if on_start:
            on_start(count_entries(inputs))
        outcomes = run_all(client, entries, options, time_limit_s=time_limit_s)
        rows = _collect(outcomes, summary, on_outcome)
    rows.sort(key=lambda pair: pair[0])
    ordered = [row for _, row in rows]
    dimensionality = options.criterion.dimensionality
    summary.candidates = ranked_candidates(ordered, dimensionality=dimensionality)
    write_table(files.screened, ordered, SCREENED)
    write_table(files.candidates, summary.candidates, CANDIDATES)
    write_sidecar(files, paths, options, summary)
    return summary


def _collect(
    outcomes: Iterator[Outcome],
    summary: RunSummary,
    on_outcome: Callable[[Outcome, Funnel], None] | None,
) -> list[tuple[int, Row]]:
    """Rows with their entry's index; each is on disk before the next one is awaited."""
    collected: list[tuple[int, Row]] = []
    part = summary.files.folder / "screened.csv.arriving"
    with part.open("w", newline="", encoding="utf-8") as handle:
        writer = TableWriter(handle, SCREENED)
        try:
            for outcome in outcomes:
                writer.write(outcome.rows)
                collected.extend((outcome.index, row) for row in outcome.rows)
                summary.funnel.add(
                    outcome.rows, stage=outcome.stage, cation_below=outcome.cation_below
                )
                if on_outcome:
                    on_outcome(outcome, summary.funnel)
        except KeyboardInterrupt:
            summary.finished = False
    part.unlink()
    return collected


def write_sidecar(
    files: RunFiles, paths: Sequence[Path | str], options: ScreenOptions, summary: RunSummary
) -> None:
    """Write conventions, versions and counts beside the tables."""
    from screening.softbv import parameters_version

    content = {
        "schema_version": SCHEMA_VERSION,
        "finished": summary.finished,
        "written": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "inputs": [str(path) for path in paths] or ["bundled reference set"],
        "options": dataclasses.asdict(options),
        "pair_parameters": parameters_version(),
        "funnel": dict(summary.funnel.steps()),
        "reasons": dict(summary.funnel.reasons),
        "columns": {c.key: {"unit": c.unit, "meaning": c.meaning} for c in CANDIDATES},
        "versions": {"python": platform.python_version()} | {p: version(p) for p in PACKAGES},
    }
    part = files.sidecar.with_name("run.json.part")
    part.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(files.sidecar)
