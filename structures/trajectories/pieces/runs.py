"""Read several trajectory files as runs: pieces of one run are joined, replicas stay apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise, permutations
from pathlib import Path
from typing import Literal

import numpy as np

from dualion.structures.errors import InputError, StructureError
from dualion.structures.trajectories.options import ReadOptions
from dualion.structures.trajectories.pieces.alike import (
    TIME_TOLERANCE,
    CopyCheck,
    counts_differ,
    difference,
)
from dualion.structures.trajectories.pieces.join import check_alike, join_pieces, thin
from dualion.structures.trajectories.pieces.order import Pair, arrange
from dualion.structures.trajectories.pieces.seam import (
    Seam,
    is_later_part,
    judge_seam,
    step_scale,
)
from dualion.structures.trajectories.read import open_stream, read_trajectory
from dualion.structures.trajectories.types import Trajectory

PieceMode = Literal["auto", "replicas", "continue"]
PIECE_MODES: tuple[PieceMode, ...] = ("auto", "replicas", "continue")

OnFailure = Callable[[Path, StructureError], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """One run, of one file or of several pieces.

    Attributes:
        trajectory: all of it.
        sources: its files, in the order of time.
        note: in a sentence, what was found of these files beside others; empty for a file alone.
    """

    trajectory: Trajectory
    sources: tuple[Path, ...]
    note: str = ""


def read_runs(
    paths: Sequence[Path],
    options: ReadOptions | Sequence[ReadOptions] | None = None,
    *,
    pieces: PieceMode = "auto",
    on_failure: OnFailure | None = None,
) -> Iterator[Run]:
    """Read trajectory files as runs, in the order of their first files.

    Args:
        paths: the files.
        options: what they do not say, for all or for each. Time is skipped once a run, not once
            a piece.
        pieces: ``auto`` joins files of which one goes on where another ends; ``continue`` joins
            all of one system and temperature in the given order; ``replicas`` joins none.
        on_failure: told of each file that cannot be read, which is left out; without it the error
            is raised.

    Raises:
        InputError: a piece is missing, the order is open, or an option makes no sense.
        StructureError: a file is damaged.
    """
    if pieces not in PIECE_MODES:
        raise InputError(f"There is no way {pieces!r} to read files; choose {PIECE_MODES}.")
    each = _options_of_each(paths, options)

    def fail(path: Path, error: StructureError) -> None:
        if on_failure is None:
            raise error
        on_failure(path, error)

    copies = CopyCheck()
    if pieces == "replicas" or len(paths) == 1:
        yield from _read_apart(list(zip(paths, each, strict=True)), copies, fail)
        return
    for files in _group_files(paths, each, fail):
        if len(files) == 1:
            yield from _read_apart(files, copies, fail)
        else:
            yield from _read_together(files, pieces, copies, fail)


def _options_of_each(
    paths: Sequence[Path], options: ReadOptions | Sequence[ReadOptions] | None
) -> list[ReadOptions]:
    if options is None or isinstance(options, ReadOptions):
        return [options or ReadOptions()] * len(paths)
    if len(options) != len(paths):
        raise InputError(f"{len(options)} options were given for {len(paths)} trajectories.")
    return list(options)


File = tuple[Path, ReadOptions]


def _read_apart(files: Sequence[File], copies: CopyCheck, fail: OnFailure) -> Iterator[Run]:
    for path, options in files:
        try:
            trajectory = read_trajectory(path, options)
        except StructureError as error:
            fail(path, error)
            continue
        copies.add(path.name, trajectory)
        yield Run(trajectory=trajectory, sources=(path,))


def _group_files(
    paths: Sequence[Path], options: Sequence[ReadOptions], fail: OnFailure
) -> list[list[File]]:
    """Files of the same atoms and temperature, by their heads alone."""
    groups: dict[tuple[tuple[str, ...], float | None], list[File]] = {}
    for path, own in zip(paths, options, strict=True):
        try:
            head = open_stream(path, own)
        except StructureError as error:
            fail(path, error)
            continue
        known = own.temperature_k if np.isfinite(own.temperature_k) else head.temperature_k
        key = (head.symbols, round(known, 1) if np.isfinite(known) else None)
        groups.setdefault(key, []).append((path, own))
    return list(groups.values())


def _read_together(
    files: Sequence[File], pieces: PieceMode, copies: CopyCheck, fail: OnFailure
) -> Iterator[Run]:
    """Runs among files of one system and temperature."""
    taken: list[tuple[File, Trajectory]] = []
    for path, options in files:
        if options.every < 1:
            raise InputError(
                f"Keeping one frame of {options.every} makes no sense; give 1 or more."
            )
        try:
            whole = read_trajectory(path, replace(options, skip_ps=0.0, every=1))
        except StructureError as error:
            fail(path, error)
            continue
        copies.add(path.name, whole)
        taken.append(((path, options), whole))
    trajectories = [trajectory for _, trajectory in taken]
    names = [path.name for (path, _), _ in taken]
    in_order = pieces == "continue"
    if in_order:
        check_alike(trajectories)
    _refuse_other_counts(trajectories, names)
    seams = _judge_seams(trajectories, neighbours_alone=in_order)
    chains: tuple[tuple[int, ...], ...] = (tuple(range(len(taken))),) if taken else ()
    if not in_order:
        chains = arrange(seams, _later_parts(trajectories, seams), names)
    apart = _note_apart([i for chain in chains if len(chain) == 1 for i in chain], taken)
    for chain in chains:
        note = _note_joined(chain, names, seams)
        run = _make_run(chain, taken, seams, note or apart, fail)
        apart = apart if note else ""  # said once
        yield from run


def _refuse_other_counts(trajectories: Sequence[Trajectory], names: Sequence[str]) -> None:
    """Refuse files for which one time between frames cannot be right."""
    for i, j in combinations(range(len(trajectories)), 2):
        one, other = trajectories[i], trajectories[j]
        equal = abs(one.frame_step_ps / other.frame_step_ps - 1.0) < TIME_TOLERANCE
        if equal and counts_differ(one, other):
            raise InputError(
                f"{names[j]}: {difference(one, other)} ({names[i]}). Analyse the files apart; or "
                "give --replicas if their MD steps differ so that the time is the same."
            )


def _judge_seams(trajectories: Sequence[Trajectory], *, neighbours_alone: bool) -> dict[Pair, Seam]:
    """Seams between all that may be of one run, or between each and the next."""
    scales = [step_scale(trajectory) for trajectory in trajectories]
    return {
        (i, j): judge_seam(trajectories[i], trajectories[j], (scales[i], scales[j]))
        for i, j in permutations(range(len(trajectories)), 2)
        if (j == i + 1 or not neighbours_alone) and not difference(trajectories[i], trajectories[j])
    }


def _later_parts(trajectories: Sequence[Trajectory], seams: dict[Pair, Seam]) -> frozenset[Pair]:
    return frozenset(
        (i, j)
        for (i, j), seam in seams.items()
        if not seam.fits and is_later_part(trajectories[i], trajectories[j])
    )


def _make_run(
    chain: Sequence[int],
    taken: Sequence[tuple[File, Trajectory]],
    seams: dict[Pair, Seam],
    note: str,
    fail: OnFailure,
) -> Iterator[Run]:
    """The run of a chain of pieces, without what is not wanted of it; none if nothing is left."""
    path, options = taken[chain[0]][0]
    repeated = [seams[pair].repeated for pair in pairwise(chain)]
    joined = join_pieces([taken[i][1] for i in chain], repeated)
    try:
        trajectory = thin(joined, options.skip_ps, options.every)
    except StructureError as error:
        fail(path, error)
        return
    yield Run(trajectory=trajectory, sources=tuple(taken[i][0][0] for i in chain), note=note)


def _note_apart(alone: Sequence[int], taken: Sequence[tuple[File, Trajectory]]) -> str:
    """Say that some files are runs of their own, and why."""
    if len(alone) < 2:
        return ""
    names = {i: taken[i][0][0].name for i in alone}
    text = f"{', '.join(names.values())}: runs of their own, for"
    for i, j in combinations(alone, 2):
        if differs := difference(taken[i][1], taken[j][1]):
            return f"{text} {names[j]} is not of the run in {names[i]}: {differs}."
    return f"{text} none surely goes on where another ends."


def _note_joined(chain: Sequence[int], names: Sequence[str], seams: dict[Pair, Seam]) -> str:
    """Say that some files are joined, and why; nothing for a file alone."""
    links = [seams[pair] for pair in pairwise(chain)]
    if not links:
        return ""
    at, inside = max(k.step_share for k in links), max(k.inside_share for k in links)
    text = (
        f"{', '.join(names[i] for i in chain)}: consecutive pieces of one run, joined in this "
        f"order (longest step at a seam {at:.3f} of the cell, inside {inside:.3f})."
    )
    repeated = sum(link.repeated for link in links)
    if repeated:
        text += f" {repeated} frame(s) that a restart computed again were replaced."
    if not all(link.fits for link in links):
        text += " At a seam the ions are not where the run would have taken them."
    return text
