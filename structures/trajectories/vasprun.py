"""vasprun.xml of ab-initio and machine-learned MD, read as a stream of events.

Only the positions, the cell and the energy of each ``<calculation>`` are taken, so runs whose
electronic blocks are missing (ML_MODE = run) read like any other.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from gzip import BadGzipFile
from pathlib import Path
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from dualion.structures.trajectories.text import open_binary
from dualion.structures.trajectories.types import (
    Frame,
    FrameStream,
    TruncatedFileError,
    UnreadableTrajectoryError,
)

CHUNK_BYTES = 1 << 20
PARAMETERS = ("POTIM", "NBLOCK", "TEBEG", "ML_OUTBLOCK", "ML_LMLFF", "NSW")


def read_vasprun(path: Path) -> FrameStream:
    """Open a vasprun.xml.

    Args:
        path: the file, ``.gz`` or not; one that ends early gives the frames before.

    Raises:
        UnreadableTrajectoryError: the file is no XML or holds no ionic step.
    """
    collector = _Collector()
    frames = _frames(path, collector)
    try:
        first = next(frames, None)
    except TruncatedFileError:
        first = None
    if first is None or not collector.symbols:
        raise UnreadableTrajectoryError(
            f"{path.name} holds no ionic step; give the vasprun.xml of an MD run.",
            reason="no_frames",
        )
    values = collector.parameters
    machine_learned = values.get("ML_LMLFF", "F").strip().upper().startswith("T")
    every = float(values.get("ML_OUTBLOCK", 1)) if machine_learned else 1.0
    return FrameStream(
        format="vasprun",
        symbols=tuple(collector.symbols),
        frames=_with_first(first, frames),
        frame_step_ps=float(values.get("POTIM", np.nan)) * every * 1e-3,
        temperature_k=float(values.get("TEBEG", np.nan)),
        flags=("machine_learned",) if machine_learned else (),
    )


def _with_first(first: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    yield from rest


def _frames(path: Path, collector: _Collector) -> Iterator[Frame]:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.text
    parser.EntityDeclHandler = _refuse_entities
    with open_binary(path) as raw:
        while True:
            try:
                chunk = raw.read(CHUNK_BYTES)
                parser.Parse(chunk, not chunk)
            except (EOFError, zlib.error, BadGzipFile) as error:
                raise TruncatedFileError(str(error)) from error
            except expat.ExpatError as error:
                yield from collector.take()
                if not chunk:
                    raise TruncatedFileError("the XML ends before its last tag") from error
                raise UnreadableTrajectoryError(
                    f"{path.name} is not well-formed XML ({error}).", reason="bad_xml"
                ) from error
            yield from collector.take()
            if not chunk:
                return


def _refuse_entities(*_: object) -> None:
    raise UnreadableTrajectoryError(
        "The XML declares entities, which no VASP file does; it is refused.", reason="bad_xml"
    )


class _Collector:
    """Handlers of the XML events; keeps what one calculation needs and nothing more."""

    def __init__(self) -> None:
        self.symbols: list[str] = []
        self.parameters: dict[str, str] = {}
        self._done: list[Frame] = []
        self._stack: list[str] = []
        self._keep = False
        self._text: list[str] = []
        self._in_calculation = False
        self._array = ""
        self._rows: dict[str, list[str]] = {}
        self._energy = np.nan
        self._name = ""

    def take(self) -> list[Frame]:
        """Hand over the frames that are complete."""
        done, self._done = self._done, []
        return done

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Note where in the document we are."""
        name = attributes.get("name", "")
        if tag == "calculation":
            self._in_calculation, self._rows, self._energy = True, {}, np.nan
        elif tag in ("varray", "array"):
            self._array = name
        elif tag in ("v", "c"):
            wanted = self._in_calculation and self._array in ("positions", "basis")
            self._keep = wanted or (tag == "c" and self._array == "atoms")
        elif tag == "i":
            self._name = name
            energy = self._in_calculation and name == "e_wo_entrp"
            self._keep = name in PARAMETERS or energy
        if self._keep:
            self._text = []

    def text(self, data: str) -> None:
        """Collect the text of a kept element."""
        if self._keep:
            self._text.append(data)

    def end(self, tag: str) -> None:
        """Store the text of an element that ends."""
        if self._keep and tag in ("v", "c", "i"):
            self._store(tag, "".join(self._text))
            self._keep = False
        elif tag in ("varray", "array"):
            self._array = ""
        elif tag == "calculation":
            self._finish()

    def _store(self, tag: str, text: str) -> None:
        if tag == "v":
            self._rows.setdefault(self._array, []).append(text)
        elif tag == "c":
            # <rc><c>Li</c><c>1</c></rc>: the symbol and the number of its kind.
            if text.strip() and not text.strip().isdigit():
                self.symbols.append(text.strip())
        elif self._name in PARAMETERS:
            self.parameters.setdefault(self._name, text.strip())
        elif self._in_calculation:
            self._energy = float(text)

    def _finish(self) -> None:
        self._in_calculation = False
        positions = self._array_of("positions")
        basis = self._array_of("basis")
        if positions.shape == (len(self.symbols), 3) and basis.shape == (3, 3):
            self._done.append(
                Frame(positions=positions, cell=basis, fractional=True, energy_ev=self._energy)
            )

    def _array_of(self, name: str) -> NDArray[np.float64]:
        rows = " ".join(self._rows.get(name, [])).split()
        try:
            return np.array(rows, dtype=np.float64).reshape(-1, 3)
        except ValueError as error:
            raise UnreadableTrajectoryError(
                f"vasprun.xml: {name} are no numbers ({error}).", reason="not_a_number"
            ) from error
