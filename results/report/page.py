"""``write_report``: one HTML file that holds everything and asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from dualion.results.columns import CANDIDATES, Row
from dualion.results.report.columns import pack_columns
from dualion.results.report.container import block, text_block
from dualion.results.report.details import Detail
from dualion.results.report.glossary import CITATIONS, SOURCES
from dualion.results.report.md_facts import md_facts
from dualion.results.report.picks import MATERIAL_PAGE, material_links, picks
from dualion.results.run_folder import RunFolder, identity
from dualion.results.vocabulary import FLAG_MEANINGS, REASON_MEANINGS, STATUSES
from dualion.structures.atomic_write import write_text
from dualion.structures.errors import InputError
from dualion.structures.text import printable_name

SCRIPTS = ("data.js", "dom.js", "filters.js", "table.js", "plot.js", "polyhedra.js",
           "viewer.js", "structure.js", "dynamics.js", "bands.js", "picks.js", "overview.js",
           "main.js")  # fmt: skip
"""In the order in which they are joined."""


def write_report(
    run: RunFolder, path: Path, *, title: str | None = None, details: Mapping[int, Detail]
) -> int:
    """Write the page; the old one is replaced as a whole.

    Args:
        run: the run's tables.
        path: the HTML file.
        title: heading; the folder's name if none is given.
        details: what candidate pages show beside the table's columns, by place in ``run.rows``.

    Returns:
        Its size in bytes.

    Raises:
        InputError: the file cannot be written.
    """
    check_target(path)
    heading = printable_name(title or run.name)  # a folder's name need not be UTF-8
    text = report_html(run, title=heading, details=details)
    with _writing(path):
        write_text(path, text)
    return len(text.encode("utf-8"))


def check_target(path: Path) -> None:
    """Check that the page can be written, before the work that it takes.

    Raises:
        InputError: it cannot.
    """
    if path.is_dir():
        raise InputError(f"Cannot write {path}: it is a folder; choose another --out.")
    with _writing(path) as part:
        part.touch()


@contextmanager
def _writing(path: Path) -> Iterator[Path]:
    """Open a file beside the page and remove it afterwards; explain errors in one sentence."""
    part = path.with_name(path.name + ".part")
    try:
        yield part
        part.unlink(missing_ok=True)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise InputError(f"Cannot write {path}: {error.strerror}; choose another --out.") from error


def report_html(run: RunFolder, *, title: str, details: Mapping[int, Detail]) -> str:
    """Compose the text of the page.

    Args:
        run: the run's tables.
        title: heading.
        details: details of structures by place in ``run.rows``.
    """
    script = "\n".join(_asset("assets", name) for name in SCRIPTS)
    viewer = _asset("vendor", "3Dmol-min.js")
    blocks = {"table": _table(run, title, sorted(details)), "viewer": text_block(viewer)}
    for place, detail in details.items():
        blocks[f"detail-{place}"] = block(detail.content, detail.sections)
    fields = {
        "title": html.escape(title),
        "policy": _policy(script, viewer),
        "style": _asset("assets", "report.css"),
        "script": script,
        "blocks": "\n".join(
            f'<script type="application/octet-stream" id="block-{name}">{text}</script>'
            for name, text in blocks.items()
        ),
    }
    template = _asset("assets", "report.html")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: fields[found.group(1)], template)


def _policy(*scripts: str) -> str:
    """Write the content security policy: these scripts alone, and no network requests."""
    hashes = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _table(run: RunFolder, title: str, detailed: Sequence[int]) -> str:
    candidates = {identity(row): row for row in run.candidates}
    rows = [_completed(row, candidates.get(identity(row), {})) for row in run.rows]
    notes, parts = pack_columns(rows, CANDIDATES)
    places = {identity(row): place for place, row in enumerate(run.rows)}
    content: dict[str, Any] = {
        "title": title,
        "n": len(rows),
        "columns": notes,
        "criterion": run.criterion,
        "run": {key: value for key, value in run.sidecar.items() if key != "columns"},
        "detailed": list(detailed),
        "md_facts": [[place, facts] for place, row in enumerate(rows) if (facts := md_facts(row))],
        "picks": picks(run.candidates, places),
        "materials": sorted(set(material_links(run.rows).items())),
        "material_page": MATERIAL_PAGE,
        "flags": FLAG_MEANINGS,
        "reasons": REASON_MEANINGS,
        "statuses": STATUSES,
        "sources": SOURCES,
        "citations": CITATIONS,
        "made": {
            "by": f"dualion {version('dualion')}",
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    }
    return block(_finite(content), {n["key"]: p for n, p in zip(notes, parts, strict=True)})


def _completed(row: Row, candidate: Row) -> Row:
    """Complete a row by what only the table of candidates holds: rank, score, interphase."""
    known = {key: value for key, value in row.items() if value not in (None, "")}
    return {**candidate, **known}


def _finite(value: Any) -> Any:
    """Write numbers that JSON cannot hold as text."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and value - value != 0.0:
        return str(value)
    return value


def _asset(folder: str, name: str) -> str:
    return (files("dualion.results.report") / folder / name).read_text(encoding="utf-8")
