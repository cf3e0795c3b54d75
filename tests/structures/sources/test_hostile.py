"""Servers whose answers are of the wrong shape, never end, or come a byte at a time."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_servers import Reply, Request, disordered_attributes, json_reply, rock_salt, serving

from dualion.structures.records import RawEntry, Rejection
from dualion.structures.sources import (
    Access,
    Cache,
    OptimadeSource,
    SourceAnswerError,
    SourceError,
    SourceQuery,
)
from dualion.structures.sources.base import clean_metadata
from dualion.structures.sources.http.session import HttpClient, HttpPolicy
from dualion.structures.sources.http.transport import retry_after_s
from dualion.structures.sources.optimade import source as optimade

QUICK = HttpPolicy(attempts=2, first_pause_s=0.01, between_requests_s=0.0)
HASTY = HttpPolicy(
    attempts=3, first_pause_s=0.0, between_requests_s=0.0, read_timeout_s=5.0, total_timeout_s=0.6
)


def entry(name: str, **attributes: object) -> dict[str, object]:
    structure = rock_salt()
    whole = {
        **disordered_attributes(structure),
        "lattice_vectors": structure.lattice.matrix.tolist(),
        "cartesian_site_positions": structure.cart_coords.tolist(),
        "nsites": len(structure),
        "structure_features": [],
        **attributes,
    }
    return {"id": name, "type": "structures", "attributes": whole}


def fetch(
    tmp_path: Path, pages: dict[str, object] | None = None, **options: int
) -> list[RawEntry | Rejection]:
    """Everything of a provider whose pages are ``pages`` (offset → content)."""

    def answer(request: Request) -> Reply:
        if "info" in request.path:
            return json_reply({"data": {"properties": {}}})
        offset = request.first("page_offset", "0")
        if pages is None:
            number = int(offset)
            return json_reply(
                {"data": [entry(f"e{number}")], "links": {"next": f"?page_offset={number + 1}"}}
            )
        return json_reply(pages[offset])

    with serving(answer) as server:
        source = OptimadeSource(
            provider=server.url,
            query=SourceQuery(elements=("Li",)),
            access=Access(cache=Cache(tmp_path)),
            policy=QUICK,
            **options,
        )
        return list(source.entries())


WRONG = [7, "disorder", {"a": 1}, [["disorder"]], [{"a": 1}], [None], [1.5], True]


@pytest.mark.parametrize("value", WRONG, ids=str)
def test_structure_features_of_a_wrong_type_are_one_rejected_entry(
    tmp_path: Path, value: object
) -> None:
    page = {"data": [entry("bad", structure_features=value), entry("good")]}
    bad, good = fetch(tmp_path, {"0": page})
    assert isinstance(bad, Rejection)
    assert (bad.source_id, bad.reason) == ("bad", "bad_entry")
    assert isinstance(good, RawEntry)


@pytest.mark.parametrize(
    "name",
    ["lattice_vectors", "cartesian_site_positions", "species_at_sites", "species", "elements",
     "nsites", "dimension_types", "chemical_formula_reduced", "last_modified", "immutable_id"],
)  # fmt: skip
@pytest.mark.parametrize(
    "value", [3, "x\ud800", {"a": []}, [[{}]], [None], 10**400, [[1e999] * 3] * 3, [[[]]], False]
)
def test_any_value_in_any_place_is_one_row(tmp_path: Path, name: str, value: object) -> None:
    page = {"data": [entry("odd", **{name: value}), entry("good")]}
    found = fetch(tmp_path, {"0": page})
    # A provider may send elements that were not asked for; those entries are passed over.
    assert [item.source_id for item in found if item.source_id != "odd"] == ["good"]
    assert len(found) == 2 or name == "elements"


@pytest.mark.parametrize("item", [None, 3, "x", [], {}, {"id": {}}, {"id": "a", "attributes": 3}])
def test_an_item_that_is_no_entry_is_one_row(tmp_path: Path, item: object) -> None:
    found = fetch(tmp_path, {"0": {"data": [item, entry("good")]}})
    assert [getattr(one, "reason", "ok") for one in found] == ["no_structure", "ok"]


@pytest.mark.parametrize(
    "links",
    [
        {"next": 7},
        {"next": ["x"]},
        {"next": {"href": 5}},
        {"next": "http://[::1"},
        {"next": "http://127.0.0.1:99999999/v1"},
        {"next": {"href": "//[bad/"}},
        "next",
        [1],
    ],
    ids=str,
)
def test_a_broken_next_link_keeps_the_page_and_says_so(tmp_path: Path, links: object) -> None:
    good, broken = fetch(tmp_path, {"0": {"data": [entry("good")], "links": links}})
    assert isinstance(good, RawEntry)
    assert isinstance(broken, Rejection)
    assert broken.reason == "provider_failed"


@pytest.mark.parametrize(
    "links", [None, {}, {"next": None}, {"next": ""}, {"next": {"href": None}}]
)
def test_the_last_page_has_no_next(tmp_path: Path, links: object) -> None:
    (good,) = fetch(tmp_path, {"0": {"data": [entry("good")], "links": links}})
    assert isinstance(good, RawEntry)


def test_endless_fresh_pages_end_at_the_stated_number(tmp_path: Path) -> None:
    found = fetch(tmp_path, most_pages=12)
    assert [item.source_id for item in found[:-1]] == [f"e{n}" for n in range(12)]
    last = found[-1]
    assert isinstance(last, Rejection)
    assert last.reason == "provider_failed"
    assert "more than 12 pages" in last.message


def test_endless_pages_without_anything_new_end_sooner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimade, "MOST_IDLE_PAGES", 8)
    pages: dict[str, object] = {
        str(n): {"data": [entry("same")], "links": {"next": f"?page_offset={n + 1}"}}
        for n in range(20)
    }
    first, last = fetch(tmp_path, pages)
    assert first.source_id == "same"
    assert isinstance(last, Rejection)
    assert "8 pages in a row" in last.message


@given(st.one_of(st.none(), st.text(), st.from_regex(r"[-+]?\d{1,400}(\.\d+)?", fullmatch=True)))
def test_retry_after_may_be_any_text(value: str | None) -> None:
    wait_s = retry_after_s(value)
    assert wait_s is None or 0.0 <= wait_s < float("inf")


@pytest.mark.parametrize(
    "value",
    ["²", "１２", "", " ", "-5", "1e3", "9" * 5000, "Mon, 99 Foo 99999 99:99:99 +9999", "\xff",
     "Thu, 01 Jan 0001 00:00:00 +2359", "inf", "nan"],
)  # fmt: skip
def test_odd_texts_of_retry_after(value: str) -> None:
    wait_s = retry_after_s(value)
    assert wait_s is None or wait_s == 0.0


def test_a_number_of_any_size_in_the_metadata() -> None:
    huge = 10**400
    assert clean_metadata({"year": huge, "n_sites": -huge, "band_gap_ev": 1.5}) == {
        "band_gap_ev": 1.5
    }


@contextmanager
def dripping(head: bytes, drip: bytes, pause_s: float) -> Iterator[tuple[str, list[float]]]:
    """A server that sends ``head`` at once and then ``drip`` for ever, a byte at a time."""
    listener = socket.create_server(("127.0.0.1", 0))
    visits: list[float] = []
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            visits.append(time.monotonic())
            with connection:
                try:
                    connection.recv(65536)
                    connection.sendall(head)
                    while not over.is_set():
                        for byte in drip:
                            connection.sendall(bytes([byte]))
                            time.sleep(pause_s)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", visits
    finally:
        over.set()
        listener.close()
        thread.join(5)


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("head", "drip"),
    [
        (b"", b"HTTP/1.1 200 OK and so on"),
        (OK, b"X-Slow: aaaaaaaaaaaaaaaaaaa"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (OK + b"Content-Length: 1000000\r\n\r\n[", b" "),
        (OK + b"\r\n[", b" "),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"000000000"),
    ],
    ids=["status", "header", "continue", "body", "body to the end", "chunks", "chunk size"],
)
def test_a_slow_drip_ends_at_the_total_time(head: bytes, drip: bytes) -> None:
    with dripping(head, drip, 0.02) as (url, visits):
        client = HttpClient(source="test", policy=HASTY)
        start = time.monotonic()
        with pytest.raises(SourceAnswerError, match="takes too long"):
            client.get_json(url)
        spent = time.monotonic() - start
        client.close()
    assert 0.5 < spent < 5.0
    assert len(visits) == 1  # and is not asked again


def test_a_quick_answer_after_a_slow_one_has_its_own_time() -> None:
    with serving(lambda request: json_reply({"path": request.path})) as server:
        client = HttpClient(source="test", policy=HASTY)
        for number in range(3):
            time.sleep(0.3)
            assert client.get_json(f"{server.url}{number}") == {"path": f"/{number}"}
        client.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n[",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n[",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n[]",
        b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n",
        b"HTTP/1.1 400 Bad\r\nContent-Type: text/plain; charset=\x00odd\r\n\r\n\xff\xfe",
        b"HTTP/1.1 429 Wait\r\nRetry-After: \xb2\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000,
    ],
)
def test_an_answer_that_is_none_is_one_error_of_the_source(answer: bytes) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65536)
                    connection.sendall(answer)
                except OSError:
                    continue

    threading.Thread(target=serve, daemon=True).start()
    client = HttpClient(source="test", policy=QUICK)
    try:
        with pytest.raises(SourceError) as caught:
            client.get_json(f"http://127.0.0.1:{listener.getsockname()[1]}/")
    finally:
        client.close()
        listener.close()
    assert "Traceback" not in str(caught.value)
    assert len(str(caught.value)) < 500
    json.dumps(str(caught.value)).encode()
