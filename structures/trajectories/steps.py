"""The order of frames by their MD steps: where a file breaks off, and what a restart repeats."""

from __future__ import annotations

from collections.abc import Iterator

from dualion.structures.trajectories.types import (
    Frame,
    FrameStream,
    RepeatedStepsError,
    TruncatedFileError,
    UnreadableTrajectoryError,
)

TRUNCATED = "truncated_file"
"""Flag of a file that ends inside a frame; the frames before are kept."""

DROPPED = "repeated_frames_dropped"
"""Flag of a file with the same step twice in a row; the later one is kept."""

REPLACED = "repeated_steps_replaced"
"""Flag of a file in which a restarted run repeats steps; the later ones are kept."""


def in_order(stream: FrameStream, flags: list[str], source: str) -> Iterator[Frame]:
    """The frames up to where the file breaks off, each step once where they follow one another.

    Args:
        stream: the frames.
        flags: what is found is added to it.
        source: name of the file, for messages.

    Raises:
        RepeatedStepsError: steps come again, and the later ones replace the earlier.
        UnreadableTrajectoryError: the numbers begin again, as those of another run do.
    """
    held: Frame | None = None
    try:
        for frame in stream.frames:
            if held is not None:
                if 0 <= frame.step < held.step:
                    _refuse_or_repeat(stream, frame.step, source)
                if frame.step == held.step >= 0:
                    flags.append(DROPPED)
                else:
                    yield held
            held = frame
    except TruncatedFileError:
        flags.append(TRUNCATED)
    if held is not None:
        yield held


def _refuse_or_repeat(stream: FrameStream, step: int, source: str) -> None:
    if stream.steps_persist:
        raise RepeatedStepsError(str(step))
    raise UnreadableTrajectoryError(
        f"{source} begins to count again at {step}: two runs are joined. Split the file.",
        reason="uneven_times",
    )


def without_repeated(stream: FrameStream, source: str) -> frozenset[int]:
    """Places of the frames that no later frame replaces.

    Args:
        stream: the frames; they are read to the end.
        source: name of the file, for messages.

    Raises:
        UnreadableTrajectoryError: a later run replaces all that was read.
    """
    kept: list[tuple[int, int]] = []
    try:
        for place, frame in enumerate(stream.frames):
            while kept and 0 <= frame.step <= kept[-1][1]:
                kept.pop()
            if not kept and place > 1:
                raise UnreadableTrajectoryError(
                    f"{source} begins again at step {frame.step}, at or before its first: two "
                    "runs are joined. Split the file.",
                    reason="uneven_times",
                )
            kept.append((place, frame.step))
    except TruncatedFileError:
        pass
    return frozenset(place for place, _ in kept)


def chosen(frames: Iterator[Frame], places: frozenset[int]) -> Iterator[Frame]:
    """Select the frames at some places.

    Args:
        frames: the frames, in the order of the file.
        places: which to keep, counted from 0.
    """
    for place, frame in enumerate(frames):
        if place in places:
            yield frame
