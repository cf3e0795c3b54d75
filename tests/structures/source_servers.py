"""Loopback servers for the tests of sources: scripted faults, and a record of every request."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from pymatgen.core import Lattice, Structure


@dataclass
class Request:
    """A request as the server saw it."""

    method: str
    path: str
    params: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    def first(self, name: str, default: str = "") -> str:
        return self.params.get(name, [default])[0]


@dataclass
class Reply:
    """An answer; ``fault`` replaces or spoils it."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""


def json_reply(value: object, status: int = 200, **headers: str) -> Reply:
    return Reply(
        json.dumps(value).encode(), status, {"Content-Type": "application/json", **headers}
    )


class Server:
    """A server on loopback that calls ``answer``, or plays the next fault of ``faults``.

    ``faults`` maps a word of the path and query to a list of faults, used one per request:
    ``cut``, ``headers``, ``many_headers``, ``bad_json``, ``429:SECONDS``, or a status number.
    """

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.faults: dict[str, list[str]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer._serve(self)

            def do_POST(self) -> None:
                outer._serve(self)

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def count(self, word: str = "") -> int:
        return sum(word in request.path for request in self.requests)

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urllib.parse.urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        request = Request(
            handler.command,
            parts.path,
            urllib.parse.parse_qs(parts.query),
            {name.lower(): value for name, value in handler.headers.items()},
            handler.rfile.read(length),
        )
        self.requests.append(request)
        reply = Reply()
        for word, faults in self.faults.items():
            if word in handler.path and faults:
                reply = Reply(fault=faults.pop(0))
                break
        try:
            if reply.fault:
                self._misbehave(handler, request, reply.fault)
            else:
                self._send(handler, self.answer(request))
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True

    def _send(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        handler.wfile.write(reply.body)

    def _misbehave(self, handler: BaseHTTPRequestHandler, request: Request, fault: str) -> None:
        handler.close_connection = True
        if fault == "cut":
            body = self.answer(request).body
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body[: len(body) // 2])
        elif fault in ("headers", "many_headers"):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            if fault == "headers":  # one header that never ends: up to 1 GB
                handler.wfile.write(b"X-Long: ")
            line = b"a" * 65536 if fault == "headers" else b"X-Y: z\r\n" * 8192
            for _ in range(1024**3 // len(line)):
                handler.wfile.write(line)
        elif fault == "bad_json":
            self._send(handler, Reply(b'{"data": [', 200, {"Content-Type": "application/json"}))
        elif fault.startswith("429"):
            wait = fault.partition(":")[2] or "1"
            self._send(handler, Reply(b"slow down", 429, {"Retry-After": wait}))
        else:
            key = request.headers.get("x-api-key", "")
            self._send(handler, Reply(f"fault, your key is {key}".encode(), int(fault)))


@contextmanager
def serving(answer: Callable[[Request], Reply]) -> Iterator[Server]:
    server = Server(answer)
    try:
        yield server
    finally:
        server.close()


def optimade_config(folder: Path, structures: dict[str, Structure], page_limit: int = 500) -> Path:
    """Write structures and a configuration for the reference server of ``optimade``."""
    from optimade.adapters import Structure as Entry

    lines = [json.dumps({"x-optimade": {"meta": {"api_version": "1.2.0"}}})]
    for name, structure in structures.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ordered = structure.copy()
            for index, site in enumerate(structure):
                ordered[index] = max(site.species, key=site.species.get).symbol
            entry = json.loads(Entry.ingest_from(ordered).entry.model_dump_json())
        if not structure.is_ordered:
            entry["attributes"].update(disordered_attributes(structure))
        entry["id"] = name
        entry["attributes"]["last_modified"] = "2024-01-01T00:00:00Z"
        entry["attributes"]["energy_above_hull"] = 0.01
        lines.append(json.dumps({key: entry[key] for key in ("id", "type", "attributes")}))
    (folder / "structures.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = {
        "insert_test_data": False,
        "insert_from_jsonl": str(folder / "structures.jsonl"),
        "database_backend": "mongomock",
        "provider_fields": {"structures": ["energy_above_hull"]},
        "page_limit": page_limit,
        "page_limit_max": page_limit,
        "log_dir": str(folder),
    }
    path = folder / "optimade.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def disordered_attributes(structure: Structure) -> dict[str, object]:
    """Species of shared and partly empty sites, as OPTIMADE writes them."""
    species = []
    for index, site in enumerate(structure):
        symbols = [kind.symbol for kind in site.species]
        shares = list(site.species.values())
        if (rest := 1.0 - sum(shares)) > 1e-6:
            symbols, shares = [*symbols, "vacancy"], [*shares, rest]
        species.append({"name": f"s{index}", "chemical_symbols": symbols, "concentration": shares})
    elements = sorted({kind.symbol for kind in structure.composition})
    total = structure.composition.num_atoms
    return {
        "species": species,
        "species_at_sites": [item["name"] for item in species],
        "structure_features": ["disorder"],
        "elements": elements,
        "nelements": len(elements),
        "elements_ratios": [structure.composition[symbol] / total for symbol in elements],
        "chemical_formula_reduced": None,
        "chemical_formula_anonymous": None,
    }


@contextmanager
def optimade_server(config: Path) -> Iterator[str]:
    """The reference server of ``optimade`` on a free port; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "optimade.server.main:app"]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port), "--log-level", "error"],
        env={**os.environ, "OPTIMADE_CONFIG_FILE": str(config)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=config.parent,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"{url}/v1/info", timeout=5):
                    break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the reference server did not start") from None
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(10)


MP_KEY = "k3y0123456789abcdefghijklmnopqrs"
ICSD_LOGIN = ("us3r-name", "pa55-word")


def materials_project(documents: dict[str, dict[str, object]]) -> Callable[[Request], Reply]:
    """The heartbeat and the summary of the Materials Project, over some documents."""

    def answer(request: Request) -> Reply:
        if request.path == "/heartbeat":
            return json_reply({"db_version": "2026.1", "access_controlled_batch_ids": []})
        if request.path != "/materials/summary/":
            return json_reply({"detail": "not found"}, 404)
        if request.headers.get("x-api-key") != MP_KEY:
            return json_reply({"detail": "no key"}, 401)
        rows = [row for row in documents.values() if _wanted(row, request)]
        start, count = int(request.first("_skip", "0")), int(request.first("_limit", "100"))
        fields = request.first("_fields").split(",")
        page = [{key: row[key] for key in fields if key in row} for row in rows]
        return json_reply({"data": page[start : start + count], "meta": {"total_doc": len(rows)}})

    return answer


def _wanted(row: dict[str, object], request: Request) -> bool:
    elements = {name for name in request.first("elements").split(",") if name}
    excluded = set(request.first("exclude_elements").split(","))
    ids = request.first("material_ids")
    systems = request.first("chemsys")
    present = set(row["elements"])  # type: ignore[call-overload]
    return (
        elements <= present
        and not excluded & present
        and (not ids or row["material_id"] in ids.split(","))
        and (not systems or "-".join(sorted(present)) in systems.split(","))
        and float(row.get("energy_above_hull", 0.0))  # type: ignore[arg-type]
        <= float(request.first("energy_above_hull_max", "9"))
        and float(row.get("band_gap", 9.0)) >= float(request.first("band_gap_min", "0"))  # type: ignore[arg-type]
    )


def mp_document(name: str, structure: Structure, **more: object) -> dict[str, object]:
    """A summary document with the fields that the service sends."""
    return {
        "material_id": name,
        "structure": json.loads(json.dumps(structure.as_dict(), default=float)),
        "elements": sorted({kind.symbol for kind in structure.composition}),
        "formula_pretty": structure.composition.reduced_formula,
        "nsites": len(structure),
        "energy_above_hull": 0.0,
        "formation_energy_per_atom": -1.0,
        "band_gap": 4.0,
        "is_metal": False,
        "theoretical": False,
        "database_IDs": {"icsd": ["icsd-52236"]},
        "last_updated": "2025-01-01T00:00:00",
        **more,
    }


def icsd_service(cifs: dict[int, str]) -> Callable[[Request], Reply]:
    """Login, expert search, CIF download and logout of the ICSD's web API."""
    tokens: set[str] = set()

    def answer(request: Request) -> Reply:
        if request.path == "/auth/login":
            form = urllib.parse.parse_qs(request.body.decode())
            if (form["loginid"][0], form["password"][0]) != ICSD_LOGIN:
                return Reply(b"Authentication failed", 401)
            tokens.add(token := f"t0ken-{len(tokens)}")
            return Reply(b"Authentication successful", 200, {"ICSD-Auth-Token": token})
        token = request.headers.get("icsd-auth-token", "")
        if token not in tokens:
            return Reply(b"Unauthorized", 401)
        if request.path == "/auth/logout":
            tokens.discard(token)
            return Reply(b"Logout successful")
        if request.path == "/search/expert":
            ids = " ".join(str(number) for number in sorted(cifs))
            return Reply(f"<?xml version='1.0'?><r><idnums>{ids}</idnums></r>".encode())
        if request.path == "/cif/multiple":
            wanted = [int(number) for number in request.params["idnum"]]
            return Reply("\n".join(cifs[n] for n in wanted if n in cifs).encode("latin-1"))
        return Reply(b"not found", 404)

    answer.tokens = tokens  # type: ignore[attr-defined]
    return answer


def icsd_cif(code: int, *, lattice_angstrom: float = 6.0, extra: str = "", anion: str = "I") -> str:
    """A rock salt entry of the shape that the ICSD writes; made up, not taken from there."""
    return f"""#(C) 2024 by FIZ Karlsruhe - Leibniz Institute for Information Infrastructure.
data_{code}-ICSD
_database_code_ICSD {code}
_chemical_name_common 'Lithium halide, made up'
_chemical_formula_sum '{anion}1 Li1'
loop_
_citation_id
_citation_journal_full
_citation_year
_citation_journal_volume
_citation_page_first
_citation_page_last
_citation_journal_id_ASTM
primary 'Journal of Examples' 1984 12 345 350
XXXXXX
_cell_length_a {lattice_angstrom}
_cell_length_b {lattice_angstrom}
_cell_length_c {lattice_angstrom}
_cell_angle_alpha 90.
_cell_angle_beta 90.
_cell_angle_gamma 90.
_cell_formula_units_Z 4
_symmetry_space_group_name_H-M 'F m -3 m'
_symmetry_Int_Tables_number 225
{extra}
loop_
_symmetry_equiv_pos_site_id
_symmetry_equiv_pos_as_xyz
1 'x, y, z'
2 'x, y+1/2, z+1/2'
3 'x+1/2, y, z+1/2'
4 'x+1/2, y+1/2, z'
loop_
_atom_type_symbol
_atom_type_oxidation_number
Li1+ 1
{anion}1- -1
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_symmetry_multiplicity
_atom_site_Wyckoff_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
_atom_site_attached_hydrogens
Li1 Li1+ 4 a 0 0 0 1. 0
{anion}1 {anion}1- 4 b .5 .5 .5 1.00002 0
#End of TTF data_{code}-ICSD
"""


def rock_salt(lattice_angstrom: float = 6.0, cation: str = "Li", anion: str = "I") -> Structure:
    """The conventional cell, written out since the space group machinery is slow."""
    faces = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    positions = np.vstack([faces, (faces + 0.5) % 1.0])
    return Structure(Lattice.cubic(lattice_angstrom), [cation] * 4 + [anion] * 4, positions)
