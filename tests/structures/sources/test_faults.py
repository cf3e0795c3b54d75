"""Faults of servers: nothing lost, nothing fetched twice, no secret in any message or log."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from source_servers import (
    ICSD_LOGIN,
    MP_KEY,
    Reply,
    Request,
    Server,
    icsd_cif,
    icsd_service,
    json_reply,
    materials_project,
    mp_document,
    rock_salt,
    serving,
)

from dualion.structures.records import RawEntry, Rejection
from dualion.structures.sources import (
    Access,
    Cache,
    IcsdApiSource,
    MaterialsProjectSource,
    OptimadeSource,
    Source,
    SourceAnswerError,
    SourceError,
    SourceQuery,
    SourceUnavailableError,
)
from dualion.structures.sources.errors import redact
from dualion.structures.sources.http.session import HttpClient, HttpPolicy, stays_on_host
from dualion.structures.sources.http.transport import retry_after_s
from dualion.structures.sources.icsd import api as icsd_api
from dualion.structures.sources.materials_project import source as mp_module

QUICK = HttpPolicy(attempts=4, first_pause_s=0.01, between_requests_s=0.0)
QUERY = SourceQuery(elements=("Li",))
SECRETS = (MP_KEY, *ICSD_LOGIN, "t0ken-")
COUNT = 10
BATCH = 4

Make = Callable[[Server, Path, list[float]], Source]


def optimade_pages(request: Request) -> Reply:
    """Ten entries of rock salt in pages of four."""
    if request.path == "/v1/info/structures":
        return json_reply({"data": {"properties": {}}})
    start = int(request.first("page_offset", "0"))
    structure = rock_salt()
    attributes = {
        "lattice_vectors": structure.lattice.matrix.tolist(),
        "cartesian_site_positions": structure.cart_coords.tolist(),
        "species_at_sites": [site.specie.symbol for site in structure],
        "species": [
            {"name": symbol, "chemical_symbols": [symbol], "concentration": [1.0]}
            for symbol in ("Li", "I")
        ],
        "elements": ["I", "Li"],
    }
    data = [
        {"id": f"s{n}", "type": "structures", "attributes": attributes}
        for n in range(start, min(start + BATCH, COUNT))
    ]
    following = f"/v1/structures?page_offset={start + BATCH}" if start + BATCH < COUNT else None
    return json_reply({"data": data, "links": {"next": following}})


def _mp(server: Server, folder: Path, pauses: list[float]) -> Source:
    return MaterialsProjectSource(
        query=QUERY,
        access=Access(cache=Cache(folder)),
        endpoint=server.url,
        policy=QUICK,
        sleep=pauses.append,
    )


def _icsd(server: Server, folder: Path, pauses: list[float]) -> Source:
    return IcsdApiSource(
        query=QUERY,
        access=Access(cache=Cache(folder)),
        endpoint=server.url,
        policy=QUICK,
        sleep=pauses.append,
    )


def _optimade(server: Server, folder: Path, pauses: list[float]) -> Source:
    return OptimadeSource(
        provider=server.url,
        query=QUERY,
        access=Access(cache=Cache(folder)),
        policy=QUICK,
        sleep=pauses.append,
    )


SERVICES: dict[str, tuple[Callable[[], Callable[[Request], Reply]], Make, str]] = {
    "mp": (
        lambda: materials_project(
            {f"mp-{n}": mp_document(f"mp-{n}", rock_salt()) for n in range(COUNT)}
        ),
        _mp,
        "material_ids=mp-4",
    ),
    "icsd": (
        lambda: icsd_service({n: icsd_cif(n) for n in range(COUNT)}),
        _icsd,
        "idnum=4",
    ),
    "optimade": (lambda: optimade_pages, _optimade, "page_offset=4"),
}
"""A service of ten structures, its source, and a word of the request for the second batch."""


@pytest.fixture(params=list(SERVICES))
def service(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Server, Make, str]]:
    monkeypatch.setenv("MP_API_KEY", MP_KEY)
    monkeypatch.setenv("ICSD_USERNAME", ICSD_LOGIN[0])
    monkeypatch.setenv("ICSD_PASSWORD", ICSD_LOGIN[1])
    monkeypatch.setattr(mp_module, "BATCH", BATCH)
    monkeypatch.setattr(icsd_api, "BATCH", BATCH)
    application, make, word = SERVICES[request.param]
    with serving(application()) as server:
        yield server, make, word


def good_answers(server: Server, word: str) -> int:
    return sum(word in _target(request) for request in server.requests)


def _target(request: Request) -> str:
    return "&".join(f"{key}={','.join(values)}" for key, values in request.params.items())


@pytest.mark.parametrize(
    "fault", ["cut", "500", "503", "429:7", "headers", "many_headers", "bad_json"]
)
def test_a_fault_in_the_middle_costs_nothing(
    service: tuple[Server, Make, str],
    fault: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server, make, word = service
    caplog.set_level(logging.DEBUG)
    pauses: list[float] = []
    server.faults = {word: [fault]}
    entries = list(make(server, tmp_path / "cache", pauses).entries())
    refused = [entry for entry in entries if isinstance(entry, Rejection)]
    if fault.endswith("headers") or (fault == "bad_json" and refused):
        # A flood of headers is not asked for again at once; the next run fetches the rest.
        assert refused and {r.reason for r in refused} <= {"not_fetched", "provider_failed"}
        entries = list(make(server, tmp_path / "cache", pauses).entries())
    assert [type(entry) for entry in entries] == [RawEntry] * COUNT
    assert len({entry.source_id for entry in entries}) == COUNT
    assert good_answers(server, word) == 2  # the fault, and the answer
    for other in range(COUNT):  # every other batch was asked for once
        if other % BATCH == 0 and other != BATCH:
            again = word.replace("4", str(other))
            assert good_answers(server, again) <= 1
    if fault == "429:7":
        assert 7.0 in pauses
    _assert_no_secret(tmp_path, caplog)


def test_a_fault_that_stays_is_reported_and_the_rest_is_kept(
    service: tuple[Server, Make, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server, make, word = service
    caplog.set_level(logging.DEBUG)
    server.faults = {word: ["500"] * 100}
    entries = list(make(server, tmp_path / "cache", []).entries())
    raw = [entry for entry in entries if isinstance(entry, RawEntry)]
    refused = [entry for entry in entries if isinstance(entry, Rejection)]
    assert len(raw) == BATCH and refused
    assert all("nothing twice" in r.message or "goes on from there" in r.message for r in refused)
    assert all(secret not in r.message for r in refused for secret in SECRETS)
    before = server.count()
    server.faults = {}
    assert len(list(make(server, tmp_path / "cache", []).entries())) == COUNT
    assert good_answers(server, word.replace("4", "0")) <= 1
    assert server.count() > before
    _assert_no_secret(tmp_path, caplog)


def test_a_corrupted_cache_entry_is_fetched_again(
    service: tuple[Server, Make, str], tmp_path: Path
) -> None:
    server, make, _ = service
    first = list(make(server, tmp_path / "cache", []).entries())
    requests_before = server.count()
    victims = sorted((tmp_path / "cache" / "objects").glob("*/*.gz"))
    largest = max(victims, key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-20])
    again = list(make(server, tmp_path / "cache", []).entries())
    assert [e.source_id for e in again] == [e.source_id for e in first]
    assert server.count() > requests_before
    requests_before = server.count()
    list(make(server, tmp_path / "cache", []).entries())
    assert server.count() == requests_before


def _assert_no_secret(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Grep for keys in the log and in every file that was written."""
    texts = [caplog.text]
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            unpacked = gzip.decompress(data) if path.suffix == ".gz" else data
            texts += [str(path), unpacked.decode("utf-8", "replace")]
    for text in texts:
        for secret in SECRETS:
            assert secret not in text


def test_documents_without_a_structure_or_not_sent_are_rejections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MP_API_KEY", MP_KEY)
    documents = {f"mp-{n}": mp_document(f"mp-{n}", rock_salt()) for n in range(1, 4)}
    documents["mp-2"]["structure"] = None
    full = materials_project(documents)

    def answer(request: Request) -> Reply:
        if request.first("material_ids"):
            documents.pop("mp-3", None)
        return full(request)

    with serving(answer) as server:
        entries = list(_mp(server, tmp_path, []).entries())
    reasons = [getattr(entry, "reason", "ok") for entry in entries]
    assert reasons == ["ok", "no_structure", "missing_document"]


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({}, "no_structure"),
        ({"species": None}, "no_structure"),
        ({"lattice_vectors": [[1, 0, 0], [0, 1, 0], [1, 1, 0]]}, "bad_cell"),
        ({"cartesian_site_positions": [[0, 0, "x"]] * 8}, "bad_number"),
        ({"structure_features": ["site_attachments"]}, "optimade_site_attachments"),
        ({"structure_features": ["assemblies"]}, "optimade_assemblies"),
        ({"dimension_types": [1, 1, 0]}, "not_periodic"),
        ({"species_at_sites": ["Na"] * 8}, "unknown_element"),
    ],
)
def test_unusable_optimade_entries_say_why(
    tmp_path: Path, attributes: dict[str, object], reason: str
) -> None:
    def answer(request: Request) -> Reply:
        reply = optimade_pages(request)
        content = json.loads(reply.body)
        if "structures" in request.path and isinstance(content["data"], list):
            entry = content["data"][0]
            entry["attributes"] = {**entry["attributes"], **attributes} if attributes else {}
            content = {"data": [entry, "no entry"], "links": {}}
        return json_reply(content)

    with serving(answer) as server:
        entries = list(_optimade(server, tmp_path, []).entries())
    assert [entry.reason for entry in entries] == [reason, "no_structure"]  # type: ignore[union-attr]


def test_next_links_stay_on_the_host_and_never_circle(tmp_path: Path) -> None:
    links = {"other": "http://127.0.0.2:1/v1/structures?x=1", "circle": None}
    for name, link in links.items():

        def answer(request: Request, link: str | None = link) -> Reply:
            reply = optimade_pages(request)
            if request.path.endswith("/structures") and "info" not in request.path:
                content = json.loads(reply.body)
                content["links"] = {"next": link or "/v1/structures?page_offset=0"}
                return json_reply(content)
            return reply

        with serving(answer) as server:
            entries = list(_optimade(server, tmp_path / name, []).entries())
            assert server.count() <= 4
        refused = [entry for entry in entries if isinstance(entry, Rejection)]
        assert [entry.reason for entry in refused] == ["provider_failed"]


def test_a_key_does_not_follow_a_redirect_to_another_host(tmp_path: Path) -> None:
    with serving(lambda request: json_reply({})) as other:
        there = other.url.replace("127.0.0.1", "localhost")
        with serving(lambda request: Reply(b"", 302, {"Location": there})) as server:
            client = HttpClient(source="test", policy=QUICK, headers={"x-api-key": MP_KEY})
            with pytest.raises(SourceAnswerError, match="another host"):
                client.request("GET", server.url)
            client.close()
        assert other.count() == 0


def test_limits_on_size_and_on_waiting(tmp_path: Path) -> None:
    small = HttpPolicy(attempts=2, first_pause_s=0.0, between_requests_s=0.0, body_bytes=1000)
    with serving(lambda request: Reply(b"[" + b" " * 5000 + b"]")) as server:
        client = HttpClient(source="test", policy=small)
        with pytest.raises(SourceAnswerError, match="larger than 1000 B"):
            client.get_json(server.url)
        assert server.count() == 1
        server.faults = {"/": ["429:3600", "429:3600"]}
        with pytest.raises(SourceUnavailableError, match="asks to wait for 3600 s"):
            client.get_json(server.url)
        assert server.count() == 2  # a server that asks for an hour is left alone
        client.close()


def test_refused_requests_show_no_secret_that_the_server_repeats() -> None:
    with serving(lambda request: Reply(request.headers["x-api-key"].encode(), 400)) as server:
        client = HttpClient(
            source="test", policy=QUICK, headers={"x-api-key": MP_KEY}, secrets=(MP_KEY,)
        )
        with pytest.raises(SourceError) as caught:
            client.request("GET", server.url)
        client.close()
    assert MP_KEY not in str(caught.value) + repr(client) and "[hidden]" in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_token_of_the_icsd_that_ended_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ICSD_USERNAME", ICSD_LOGIN[0])
    monkeypatch.setenv("ICSD_PASSWORD", ICSD_LOGIN[1])
    service = icsd_service({1: icsd_cif(1)})

    def answer(request: Request) -> Reply:
        reply = service(request)
        if request.path == "/search/expert":
            service.tokens.clear()  # type: ignore[attr-defined]
        return reply

    with serving(answer) as server:
        (entry,) = _icsd(server, tmp_path, []).entries()
        paths = [request.path for request in server.requests]
    assert entry.source_id == "icsd-1"
    assert paths.count("/auth/login") == 2 and paths[-1] == "/auth/logout"


@pytest.mark.parametrize(
    ("url", "origin", "stays"),
    [
        ("https://a.org/x", "https://a.org/y", True),
        ("https://a.org:443/x", "https://A.org/y", True),
        ("https://a.org/x", "http://a.org/y", True),
        ("http://a.org/x", "https://a.org/y", False),
        ("https://b.org/x", "https://a.org/y", False),
        ("https://a.org:8443/x", "https://a.org/y", False),
        ("https://a.org@b.org/x", "https://a.org/y", False),
        ("https://u:p@a.org/x", "https://a.org/y", False),
        ("file:///etc/passwd", "https://a.org/y", False),
        ("https://a.org:bad/x", "https://a.org/y", False),
    ],
)
def test_which_links_stay_on_the_host(url: str, origin: str, stays: bool) -> None:
    assert stays_on_host(url, origin) is stays


def test_retry_after_in_seconds_as_a_date_or_neither() -> None:
    assert retry_after_s("12") == 12.0
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert retry_after_s("Fri, 31 Dec 2100 23:59:59 GMT") > 1e8  # type: ignore[operator]
    assert retry_after_s("soon") is None and retry_after_s(None) is None


def test_redact_hides_and_shortens() -> None:
    assert redact(f"a\n  {MP_KEY} b", (MP_KEY, "")) == "a [hidden] b"
    assert len(redact("x" * 10_000)) == 300
