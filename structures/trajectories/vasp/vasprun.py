"""vasprun.xml of ab-initio and machine-learned MD, read as a stream of events.

A step is a ``<calculation>``, or, where a machine-learned force field computed it, an unnamed
``<structure>`` with its ``<energy>`` outside of any; both follow one another in runs that train on
the fly. The structures that a file names (``initialpos``, ``finalpos``) are no steps.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from gzip import BadGzipFile
from pathlib import Path
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from dualion.structures.trajectories.text import array, open_binary
from dualion.structures.trajectories.types import (
    TEMPERATURE_RAMP,
    Frame,
    FrameStream,
    TruncatedFileError,
    UnreadableTrajectoryError,
)
from dualion.structures.trajectories.vasp.input_files import (
    TAGS,
    FrameStep,
    is_on,
    number_of,
    temperature,
    vasprun_step,
)

CHUNK_BYTES = 1 << 20
LARGEST_TEXT = 10_000_000
"""Characters of one element; the kept elements hold a number, a symbol or a row."""

FRAMES_CONTRADICT_STEP = "frames_contradict_step"
"""Note of a file whose number of frames does not go with the steps that ML_OUTBLOCK left out."""

STEPS_WITHOUT_POSITIONS = "steps_without_positions"
"""Flag of a file in which a step holds no structure: its frame is missing."""

ENERGY_NOT_PRINTED = "energy_not_printed"
"""Flag of a file in which an energy did not fit its field."""


def read_vasprun(path: Path) -> FrameStream:
    """Open a vasprun.xml.

    Args:
        path: the file, ``.gz`` or not; one that ends early gives the frames before.

    Raises:
        UnreadableTrajectoryError: the file is no XML or holds no ionic step.
    """
    collector = _Collector(path.name)
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
    tags = collector.parameters
    step = vasprun_step(tags, collector.version)
    temperature_k, ramp = temperature(tags)
    flags = ["machine_learned"] if is_on(tags, "ML_LMLFF") else []
    return FrameStream(
        format="vasprun",
        symbols=tuple(collector.symbols),
        frames=_counted(first, frames, collector, step),
        frame_step_ps=step.ps,
        temperature_k=temperature_k,
        steps_persist=False,
        step_question=step.question,
        flags=(*flags, *((TEMPERATURE_RAMP,) if ramp else ())),
        notes=collector.notes,
    )


def _counted(
    first: Frame, rest: Iterator[Frame], collector: _Collector, step: FrameStep
) -> Iterator[Frame]:
    """The frames; their number is compared with the steps of the run at the end."""
    count = 1
    yield first
    for frame in rest:
        count += 1
        yield frame
    steps = int(number_of(collector.parameters, "NSW", 0.0))
    block = int(number_of(collector.parameters, "ML_OUTBLOCK", 1.0))
    too_many = step.stride > 1 and steps > 0 and count > steps // step.stride + 2
    thinned = step.stride == 1 < block and steps // block in (count, count - 1) and count < steps
    if too_many or thinned:
        collector.notes.append(FRAMES_CONTRADICT_STEP)


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
            except UnreadableTrajectoryError:
                yield from collector.take()
                raise
            except OSError as error:
                raise UnreadableTrajectoryError(f"{path.name} cannot be read ({error}).") from error
            except (expat.ExpatError, LookupError, ValueError) as error:
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
    """Handlers of the XML events; keeps what one step needs and nothing more."""

    def __init__(self, file_name: str) -> None:
        self.symbols: list[str] = []
        self.parameters: dict[str, str] = {}
        self.version = ""
        self.notes: list[str] = []
        self._file = file_name
        self._done: list[Frame] = []
        self._above: list[str] = []
        self._keep = False
        self._text: list[str] = []
        self._calculation = False
        self._step: _Step | None = None
        self._array = ""
        self._name = ""

    def take(self) -> list[Frame]:
        """Hand over the frames that are complete."""
        done, self._done = self._done, []
        return done

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Note where in the document an element begins.

        Args:
            tag: name of the element.
            attributes: names and values of its attributes.
        """
        name = attributes.get("name", "")
        outside = self._above[-1:] == ["modeling"]
        self._above.append(tag)
        if tag == "calculation":
            self._finish()
            self._calculation, self._step = True, _Step()
        elif tag == "structure" and outside:
            self._finish()
            self._step = None if name else _Step()
        elif tag in ("varray", "array"):
            self._array = name
        elif tag in ("v", "c"):
            wanted = self._step is not None and self._array in ("positions", "basis")
            self._keep = wanted or (tag == "c" and self._array == "atoms")
        elif tag == "i":
            self._name = name
            self._keep = name in TAGS or name == "version" or self._is_energy(name)
        if self._keep:
            self._text = []

    def _is_energy(self, name: str) -> bool:
        inside = self._step is not None and "energy" in self._above
        return inside and name in ("e_wo_entrp", "e_fr_energy")

    def text(self, data: str) -> None:
        """Collect the text of a kept element."""
        if self._keep:
            self._text.append(data)
            if len(data) > LARGEST_TEXT or len(self._text) > LARGEST_TEXT:
                raise UnreadableTrajectoryError(f"{self._file} holds an element without an end.")

    def end(self, tag: str) -> None:
        """Store the text of an element that ends."""
        self._above.pop()
        if self._keep and tag in ("v", "c", "i"):
            self._store(tag, "".join(self._text))
            self._keep = False
        elif tag in ("varray", "array"):
            self._array = ""
        elif tag == "calculation":
            self._finish()
            self._calculation = False
        elif tag == "modeling" or (
            tag == "energy" and not self._calculation and self._step is not None
        ):
            self._finish()

    def _store(self, tag: str, text: str) -> None:
        if tag == "v":
            if self._step is not None:
                self._step.rows.setdefault(self._array, []).append(text)
        elif tag == "c":
            # <rc><c>Li</c><c>1</c></rc>: the symbol and the number of its kind.
            if text.strip() and not text.strip().isdigit():
                self.symbols.append(text.strip())
        elif self._name in TAGS:
            self.parameters.setdefault(self._name, text.strip())
        elif self._name == "version":
            self.version = self.version or text.strip()
        elif self._step is not None:
            where = "electrons" if "scstep" in self._above else "step"
            self._step.energies[f"{where} {self._name}"] = _printed(text)

    def _finish(self) -> None:
        """End a step; one without all its atoms is none."""
        step, self._step = self._step, None
        if step is None or not self.symbols:
            return
        if not step.rows:
            self.notes.append(STEPS_WITHOUT_POSITIONS)
            return
        positions, basis = (_array_of(step.rows, key, self._file) for key in ("positions", "basis"))
        if positions.shape != (len(self.symbols), 3) or basis.shape != (3, 3):
            raise UnreadableTrajectoryError(
                f"{self._file}: a step holds {len(positions)} positions and {len(basis)} lattice "
                f"vectors for {len(self.symbols)} atoms; the file is damaged there. Cut it before.",
                reason="wrong_columns",
            )
        energy = step.energy_ev()
        if np.isnan(energy) and step.energies:
            self.notes.append(ENERGY_NOT_PRINTED)
        self._done.append(Frame(positions=positions, cell=basis, fractional=True, energy_ev=energy))


class _Step:
    """Rows of positions and basis, and the energies, of the step that is being read."""

    def __init__(self) -> None:
        self.rows: dict[str, list[str]] = {}
        self.energies: dict[str, float] = {}

    def energy_ev(self) -> float:
        """Energy without entropy; the free energy where a force field printed no other.

        The last electronic step has the same energy: where that did not fit its field, the
        electrons did not converge, and the step has none.
        """
        for kind in ("e_wo_entrp", "e_fr_energy"):
            if f"step {kind}" in self.energies or f"electrons {kind}" in self.energies:
                electrons = self.energies.get(f"electrons {kind}", 0.0)
                last = self.energies.get(f"step {kind}", electrons)
                return last if np.isfinite(electrons) else np.nan
        return np.nan


def _printed(text: str) -> float:
    """A number, or NaN where it did not fit its field (``****``)."""
    try:
        value = float(text)
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan


def _array_of(rows: dict[str, list[str]], key: str, name: str) -> NDArray[np.float64]:
    tokens: Sequence[str] = " ".join(rows.get(key, [])).split()
    values = array(tokens, f"{name}: {key}")
    if len(values) % 3:
        raise UnreadableTrajectoryError(
            f"{name}: {key} are no rows of three numbers.", reason="wrong_columns"
        )
    return values.reshape(-1, 3)
