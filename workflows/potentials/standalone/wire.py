"""Messages between two processes: a length-prefixed JSON header, then raw arrays; no pickle."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

LENGTHS = struct.Struct(">IQ")
LARGEST_HEADER_BYTES = 10_000_000
LARGEST_BODY_BYTES = 2_000_000_000
KINDS = ("<f8", "<i8")
"""Types of arrays that are taken."""


class WireError(Exception):
    """A message is cut off, too large, or none of ours."""


def send(stream: IO[bytes], header: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Send a message.

    Args:
        stream: that the other process reads.
        header: plain values.
        arrays: name → array, sent as numbers of 8 bytes.
    """
    parts = {}
    for name, values in arrays.items():
        array = np.asarray(values)
        kind = KINDS[1] if array.dtype.kind in "iub" else KINDS[0]
        parts[name] = np.ascontiguousarray(array, dtype=kind)
    shapes = [[name, part.dtype.str, list(part.shape)] for name, part in parts.items()]
    text = json.dumps({**header, "arrays": shapes}).encode()
    stream.write(LENGTHS.pack(len(text), sum(part.nbytes for part in parts.values())))
    stream.write(text)
    for part in parts.values():
        stream.write(part.tobytes())
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Receive a message: its header and arrays; None once the other process has closed.

    Args:
        stream: that the other process writes.

    Raises:
        WireError: the message is cut off, too large, or none of ours.
    """
    lengths = stream.read(LENGTHS.size)
    if not lengths:
        return None
    if len(lengths) < LENGTHS.size:
        raise WireError("a message was cut off")
    header_bytes, body_bytes = LENGTHS.unpack(lengths)
    if header_bytes > LARGEST_HEADER_BYTES or body_bytes > LARGEST_BODY_BYTES:
        raise WireError("a message is too large, or none of ours")
    try:
        header = json.loads(_read(stream, header_bytes))
        return header, _split(header.pop("arrays"), _read(stream, body_bytes))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WireError(f"a message cannot be read ({error})") from error


def _read(stream: IO[bytes], count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise WireError("a message was cut off")
    return found


def _split(shapes: Any, body: bytes) -> dict[str, Any]:
    """Split the body into its arrays."""
    arrays, start = {}, 0
    for name, kind, shape in shapes:
        if kind not in KINDS:
            raise WireError(f"an array of {kind} is not taken")
        count = int(np.prod(shape, dtype=np.int64)) if shape else 1
        arrays[name] = np.frombuffer(body, kind, count, start).reshape(shape).copy()
        start += 8 * count
    return arrays
