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

from pymatgen.core import Structure


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
    return Reply(json.dumps(value).encode(), status, {"Content-Type": "application/json", **headers})


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
