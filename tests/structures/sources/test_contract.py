"""The contract of every source, on loopback servers where there is one."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure
from source_servers import (
    ICSD_LOGIN,
    MP_KEY,
    Server,
    icsd_cif,
    icsd_service,
    materials_project,
    mp_document,
    optimade_config,
    optimade_server,
    rock_salt,
    serving,
)

from dualion.structures.errors import InputError
from dualion.structures.files import parse_entry
from dualion.structures.records import RawEntry, Rejection
from dualion.structures.sources import (
    Access,
    Cache,
    FilesSource,
    IcsdApiSource,
    IcsdExportSource,
    MaterialsProjectSource,
    OptimadeSource,
    Source,
    SourceError,
    SourceQuery,
)
from dualion.structures.sources.base import METADATA_KEYS
from dualion.structures.sources.http.session import HttpPolicy
from dualion.structures.sources.open import all_entries

QUICK = HttpPolicy(attempts=3, first_pause_s=0.01, between_requests_s=0.0)
QUERY = SourceQuery(elements=("Li",), any_of=("I", "Cl", "Br"))
DISORDERED = Structure(
    Lattice.from_parameters(4, 5, 6, 80, 95, 107),
    [{"Li": 0.5, "Na": 0.25}, "I"],
    [[0, 0, 0], [0.5, 0.5, 0.5]],
)


@dataclass
class Case:
    """A source under test: how to make it, and its server if it has one."""

    make: Callable[[Access], Source]
    server: Server | None = None
    fetched: list[str] = field(default_factory=list)

    def access(self, folder: Path, *, offline: bool = False) -> Access:
        return Access(cache=Cache(folder), offline=offline, requested=self.fetched.append)


@pytest.fixture(scope="module")
def reference_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    structures = {f"entry/{n}": rock_salt(6.0 + 0.01 * n) for n in range(7)}
    structures["mixed"] = DISORDERED
    structures["no-halide"] = rock_salt(5.0, anion="H")
    config = optimade_config(tmp_path_factory.mktemp("optimade"), structures)
    with optimade_server(config) as url:
        yield url


def _files(tmp_path: Path) -> Iterator[Case]:
    rock_salt().to(str(tmp_path / "a.cif"), fmt="cif")
    rock_salt(5.1, anion="Cl").to(str(tmp_path / "POSCAR_b"), fmt="poscar")
    (tmp_path / "bad.cif").write_text("no CIF at all")
    yield Case(make=lambda access: FilesSource(paths=(tmp_path,)))


def _icsd_export(tmp_path: Path) -> Iterator[Case]:
    text = icsd_cif(100) + icsd_cif(101, lattice_angstrom=5.1, anion="Cl") + icsd_cif(100)
    (tmp_path / "export.cif").write_text(text)
    yield Case(make=lambda access: IcsdExportSource(paths=(tmp_path,)))


def _icsd_api(tmp_path: Path) -> Iterator[Case]:
    with serving(icsd_service({n: icsd_cif(n) for n in range(1, 6)})) as server:
        yield Case(
            make=lambda access: IcsdApiSource(
                query=QUERY, access=access, endpoint=server.url, policy=QUICK
            ),
            server=server,
        )


def _mp(tmp_path: Path) -> Iterator[Case]:
    documents = {f"mp-{n}": mp_document(f"mp-{n}", rock_salt(6.0 + n / 100)) for n in range(1, 6)}
    documents["mp-7"] = {**mp_document("mp-7", rock_salt()), "structure": None}
    with serving(materials_project(documents)) as server:
        yield Case(
            make=lambda access: MaterialsProjectSource(
                query=QUERY, access=access, endpoint=server.url, policy=QUICK
            ),
            server=server,
        )


CASES = {"files": _files, "icsd_export": _icsd_export, "icsd_api": _icsd_api, "mp": _mp}


@pytest.fixture(params=[*CASES, "optimade"])
def case(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Case]:
    monkeypatch.setenv("MP_API_KEY", MP_KEY)
    monkeypatch.setenv("ICSD_USERNAME", ICSD_LOGIN[0])
    monkeypatch.setenv("ICSD_PASSWORD", ICSD_LOGIN[1])
    if request.param == "optimade":
        url = request.getfixturevalue("reference_server")
        yield Case(
            make=lambda access: OptimadeSource(
                provider=url, query=QUERY, access=access, policy=QUICK, page_limit=3
            )
        )
        return
    folder = tmp_path / "in"
    folder.mkdir()
    yield from CASES[request.param](folder)


def test_entries_and_rejections_only_with_provenance(case: Case, tmp_path: Path) -> None:
    source = case.make(case.access(tmp_path / "cache"))
    entries = list(source.entries())
    raw = [entry for entry in entries if isinstance(entry, RawEntry)]
    assert len(raw) >= 2
    for entry in entries:
        assert isinstance(entry, (RawEntry, Rejection))
        assert entry.source == source.name
        assert pickle.loads(pickle.dumps(entry)) == entry
    for rejection in entries:
        if isinstance(rejection, Rejection):
            assert rejection.stage == "read" and rejection.reason and rejection.message
    for entry in raw:
        assert entry.metadata["retrieved"][:2] == "20" and entry.metadata["licence"]
        for key, value in entry.metadata.items():
            if key in METADATA_KEYS and value is not None:
                assert isinstance(value, METADATA_KEYS[key]), key
        structure = parse_entry(entry).structure
        assert {"Li"} < {kind.symbol for kind in structure.composition}
    ids = [entry.source_id for entry in entries]
    assert len(set(ids)) == len(ids)


def test_same_query_twice_is_equal_and_costs_no_request(case: Case, tmp_path: Path) -> None:
    first = list(case.make(case.access(tmp_path / "cache")).entries())
    fetched, requests = len(case.fetched), case.server.count() if case.server else 0
    assert list(case.make(case.access(tmp_path / "cache")).entries()) == first
    assert len(case.fetched) == fetched
    if case.server:
        assert case.server.count() == requests


def test_offline_after_one_run_without_key_and_server(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = list(case.make(case.access(tmp_path / "cache")).entries())
    for name in ("MP_API_KEY", "ICSD_USERNAME", "ICSD_PASSWORD"):
        monkeypatch.delenv(name)
    if case.server:
        case.server.answer = lambda request: pytest.fail("a request was sent")
    access = case.access(tmp_path / "cache", offline=True)
    assert list(case.make(access).entries()) == first


def test_every_request_failing_ends_in_one_clear_sentence(
    case: Case, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if case.server is None:
        pytest.skip("this source needs no network, or its cut is tested with a closed port")
    case.server.close()  # as with the cable out: nobody listens
    caplog.set_level(logging.DEBUG)
    source = case.make(case.access(tmp_path / "cache"))
    source.sleep = lambda seconds: None  # type: ignore[attr-defined]
    with pytest.raises(SourceError) as caught:
        list(source.entries())
    message = str(caught.value)
    assert "cannot be reached" in message and "--offline" in message and "\n" not in message
    assert len(message) < 300
    for secret in (MP_KEY, *ICSD_LOGIN):
        assert secret not in message and secret not in caplog.text


def test_closed_port_of_a_provider_is_one_sentence_and_others_go_on(tmp_path: Path) -> None:
    with serving(lambda request: pytest.fail("closed")) as server:
        url = server.url
    dead = OptimadeSource(
        provider=url, query=QUERY, access=Access(cache=Cache(tmp_path)), policy=QUICK
    )
    rock_salt().to(str(tmp_path / "a.cif"), fmt="cif")
    entries = list(all_entries([dead, FilesSource(paths=(tmp_path / "a.cif",))]))
    assert [type(entry) for entry in entries] == [Rejection, RawEntry]
    assert entries[0].reason == "source_unavailable"  # type: ignore[union-attr]
    assert "cannot be reached" in entries[0].message  # type: ignore[union-attr]


def test_offline_without_cache_says_what_to_do(case: Case, tmp_path: Path) -> None:
    source = case.make(case.access(tmp_path / "empty", offline=True))
    if case.server is None and not source.name.startswith("optimade"):
        pytest.skip("this source is always offline")
    with pytest.raises(SourceError, match="Run once without --offline"):
        list(source.entries())


def test_reference_server_gives_properties_and_partial_occupancies(
    reference_server: str, tmp_path: Path
) -> None:
    source = OptimadeSource(
        provider=reference_server,
        query=QUERY,
        access=Access(cache=Cache(tmp_path)),
        page_limit=4,
    )
    entries = {entry.source_id: entry for entry in source.entries()}
    assert set(entries) == {f"entry/{n}" for n in range(7)} | {"mixed"}
    mixed = parse_entry(entries["mixed"])  # type: ignore[arg-type]
    assert mixed.structure.composition == DISORDERED.composition
    assert mixed.metadata["energy_above_hull_ev_atom"] == 0.01


def test_materials_project_sends_the_query_and_keeps_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MP_API_KEY", MP_KEY)
    documents = {
        "mp-1": mp_document("mp-1", rock_salt(), energy_above_hull=0.02, theoretical=True),
        "mp-2": mp_document("mp-2", rock_salt(), energy_above_hull=0.2),
        "mp-3": mp_document("mp-3", rock_salt(anion="H")),
        "mp-4": mp_document("mp-4", rock_salt(cation="Na")),
    }
    query = SourceQuery(
        elements=("Li",), any_of=("I",), max_energy_above_hull_ev_atom=0.1, min_band_gap_ev=1.0
    )
    with serving(materials_project(documents)) as server:
        source = MaterialsProjectSource(
            query=query, access=Access(cache=Cache(tmp_path)), endpoint=server.url, policy=QUICK
        )
        (entry,) = source.entries()
        search, batch = (r for r in server.requests if r.path == "/materials/summary/")
    assert search.first("elements") == "Li" and search.first("band_gap_min") == "1.0"
    assert search.first("_fields") == "material_id,elements"
    assert batch.first("material_ids") == "mp-1"
    assert isinstance(entry, RawEntry)
    expected = {
        "theoretical": True,
        "energy_above_hull_ev_atom": 0.02,
        "band_gap_ev": 4.0,
        "experimental_ids": "icsd-52236",
        "n_sites": 8.0,
    }
    assert expected.items() <= entry.metadata.items()


@pytest.mark.parametrize("make", [MaterialsProjectSource, IcsdApiSource])
def test_an_empty_query_is_refused(make: Callable[..., Source]) -> None:
    with pytest.raises(InputError, match="needs a query"):
        make(query=SourceQuery())


def test_missing_key_says_where_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MP_API_KEY", "PMG_MAPI_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("dualion.structures.sources.secrets._pymatgen_setting", lambda name: "")
    monkeypatch.setattr("dualion.structures.sources.secrets.from_keyring", lambda entry: None)
    source = MaterialsProjectSource(query=QUERY, access=Access(cache=Cache(tmp_path)))
    with pytest.raises(InputError, match=r"materialsproject\.org/api and set MP_API_KEY"):
        list(source.entries())


def test_wrong_login_of_the_icsd_is_a_sentence_without_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ICSD_USERNAME", "someone")
    monkeypatch.setenv("ICSD_PASSWORD", "wrong-secret")
    with serving(icsd_service({1: icsd_cif(1)})) as server:
        source = IcsdApiSource(
            query=QUERY, access=Access(cache=Cache(tmp_path)), endpoint=server.url, policy=QUICK
        )
        with pytest.raises(InputError, match="refuses the login") as caught:
            list(source.entries())
    assert "wrong-secret" not in str(caught.value)
    assert not list((tmp_path / "objects").glob("*/*")) if (tmp_path / "objects").exists() else True
