"""The order of pieces: which of them follow one another, and which are runs of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

from dualion.structures.errors import InputError
from dualion.structures.trajectories.pieces.seam import Seam

MOST_STEPS = 100_000
"""Steps of the search for an order, at most; with more there is more than one."""

Pair = tuple[int, int]
FORCE = "give --continue to join the files in the order in which they are named, or --replicas"


def arrange(
    seams: Mapping[Pair, Seam], later: frozenset[Pair], names: Sequence[str]
) -> tuple[tuple[int, ...], ...]:
    """Arrange trajectories of one system into runs.

    Args:
        seams: (earlier, later) → what is between them, for each ordered pair that is alike.
        later: pairs of which the second is a later part of the first one's run.
        names: of the files.

    Returns:
        Runs, each with its pieces in order; a run of one piece is a file of its own.

    Raises:
        InputError: a piece is missing, or the pieces fit in more than one order.
    """
    fits = {pair for pair, seam in seams.items() if seam.fits}
    count = len(names)
    if not fits:
        _refuse_missing(_gaps(seams), later, names)
    elif len(fits) < count * (count - 1) and any(seams[pair].moved for pair in fits):
        return _chains(fits, seams, later, names)
    # Nothing moved further than a step, or the runs are apart. Of the first, only a clock knows an
    # order.
    follows = {pair for pair in fits if seams[pair].clock == "follows"}
    ordered = list(_paths(follows, range(count)))
    if count > 1 and len(ordered) == 1:
        return (ordered[0],)
    return tuple((number,) for number in range(count))


def _chains(
    fits: set[Pair], seams: Mapping[Pair, Seam], later: frozenset[Pair], names: Sequence[str]
) -> tuple[tuple[int, ...], ...]:
    """Runs of pieces of which some follow each other."""
    chains = []
    for members in _components(fits, len(names)):
        inside = {pair for pair in fits if pair[0] in members}
        orders = list(_paths(inside, members))
        if len(orders) != 1:
            told = {p for p in inside if seams[p].clock == "follows" or seams[p].repeated}
            orders = list(_paths(told, members)) if told else orders
        if len(orders) != 1:
            raise InputError(_open_order(inside, members, names, found=len(orders)))
        chains.append(orders[0])
    if len(chains) > 1:
        ends = {(a[-1], b[0]) for a, b in permutations(chains, 2)}
        _refuse_missing(_gaps(seams) & ends, later & ends, names)
        if any(len(chain) == 1 for chain in chains):
            whole = max(chains, key=len)
            alone = next(names[chain[0]] for chain in chains if len(chain) == 1)
            raise InputError(
                f"{names[whole[0]]} is continued by {names[whole[1]]}, but {alone} begins where "
                f"no other ends and ends where no other begins: a piece is missing. Add it; or "
                f"{FORCE} to take each file as a run of its own."
            )
    return tuple(sorted(chains, key=min))


def _open_order(
    inside: set[Pair], members: Sequence[int], names: Sequence[str], *, found: int
) -> str:
    """Say why some pieces have no one order."""
    for before in members if not found else ():
        heirs = [names[j] for i, j in sorted(inside) if i == before]
        if len(heirs) > 1:
            return (
                f"{' and '.join(heirs)} both begin where {names[before]} ends, and only one of "
                "them can continue it; leave out the one that was abandoned."
            )
    why = "more than one order fits" if found else "no order fits"
    return (
        f"The order of {', '.join(names[i] for i in members)} is open: some begin where others "
        f"end, but {why}; {FORCE}."
    )


def _gaps(seams: Mapping[Pair, Seam]) -> frozenset[Pair]:
    return frozenset(pair for pair, seam in seams.items() if seam.clock == "gap")


def _refuse_missing(gaps: frozenset[Pair], later: frozenset[Pair], names: Sequence[str]) -> None:
    for pairs, why in (
        (gaps, "its clock goes on, with a gap"),
        (later, "its ions are where a continuation would have taken them, not where it ends"),
    ):
        for before, after in sorted(pairs):
            raise InputError(
                f"{names[after]} is a later part of the run in {names[before]} ({why}): the piece "
                f"between them is missing. Add it; or {FORCE} to take each file as a run of its "
                "own."
            )


def _components(fits: set[Pair], count: int) -> list[tuple[int, ...]]:
    """Pieces that seams tie together, in the order of their names."""
    owner = list(range(count))
    for one, other in fits:
        old, new = owner[other], owner[one]
        owner = [new if label == old else label for label in owner]
    groups: dict[int, list[int]] = {}
    for number, label in enumerate(owner):
        groups.setdefault(label, []).append(number)
    return [tuple(members) for members in groups.values()]


def _paths(fits: set[Pair], members: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The first two orders in which each piece follows the one before it.

    Where the search is too long there is more than one.
    """
    after: dict[int, list[int]] = {}
    for one, other in sorted(fits):
        after.setdefault(one, []).append(other)
    stack: list[tuple[int, ...]] = [(start,) for start in members]
    found = steps = 0
    while stack and found < 2:
        steps += 1
        if steps > MOST_STEPS:
            yield from (tuple(members), tuple(members))
            return
        path = stack.pop()
        if len(path) == len(members):
            found += 1
            yield path
            continue
        stack += [(*path, piece) for piece in after.get(path[-1], ()) if piece not in path]
