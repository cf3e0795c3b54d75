"""Messages between processes: what is sent arrives; what is not ours is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest

from dualion.workflows.potentials.standalone.wire import LENGTHS, WireError, receive, send


def test_headers_and_arrays_arrive_as_they_were_sent() -> None:
    stream = io.BytesIO()
    arrays = {
        "positions": np.arange(6.0).reshape(2, 3).T,  # not contiguous
        "numbers": np.array([3, 53]),
        "nan": [np.nan, np.inf],
        "none": np.empty((0, 3)),
        "scalar": 2.5,
    }
    send(stream, {"request": "Å"}, arrays)
    send(stream, {}, {})
    stream.seek(0)
    first, second = receive(stream), receive(stream)
    assert first is not None and second == ({}, {})
    assert first[0] == {"request": "Å"}
    for name, values in arrays.items():
        np.testing.assert_array_equal(first[1][name], values)
    assert first[1]["numbers"].dtype == np.int64
    assert receive(stream) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"123",
        LENGTHS.pack(4, 0) + b"{}",
        LENGTHS.pack(2, 0) + b"{}",
        LENGTHS.pack(4, 0) + b"null",
        LENGTHS.pack(2**31, 0),
        LENGTHS.pack(26, 8) + b'{"arrays":[["a","|O",[1]]]}'[:26] + bytes(8),
        LENGTHS.pack(28, 8) + b'{"arrays":[["a","<f8",[2]]]}' + bytes(8),
    ],
)
def test_what_is_cut_off_or_not_ours_is_refused(raw: bytes) -> None:
    with pytest.raises(WireError):
        receive(io.BytesIO(raw))
