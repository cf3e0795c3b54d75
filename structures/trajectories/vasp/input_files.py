"""What VASP's input says of the time between frames and of the temperature.

POTIM is the MD step in fs. XDATCAR holds every NBLOCK-th configuration; in runs of a machine-
learned force field without training (ML_MODE = run) every max(NBLOCK, ML_OUTBLOCK)-th, and
vasprun.xml every ML_OUTBLOCK-th from VASP 6.4.3 on, every one before
(https://www.vasp.at/wiki/index.php/ML_OUTBLOCK).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

INCAR_BYTES = 100_000
TAGS = (
    "POTIM",
    "NBLOCK",
    "NSW",
    "TEBEG",
    "TEEND",
    "ML_LMLFF",
    "ML_MODE",
    "ML_ISTART",
    "ML_OUTBLOCK",
)
OUTBLOCK_IN_XML = (6, 4, 3)
"""First version of VASP that leaves steps out of vasprun.xml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameStep:
    """Time between frames.

    Attributes:
        ps: in ps, or NaN where it is open.
        stride: MD steps between two frames.
        question: why it is open, or empty.
    """

    ps: float
    stride: int = 1
    question: str = ""


def read_incar(path: Path) -> dict[str, str]:
    """The tags of an INCAR that matter here; the first of two equal ones, as VASP reads it."""
    if not path.is_file():
        return {}
    try:
        with path.open("r", encoding="utf-8", errors="replace") as file:
            text = re.sub(r"[#!].*", "", file.read(INCAR_BYTES))
    except OSError:
        return {}
    found: dict[str, str] = {}
    for statement in re.split(r"[;\n]", text):
        key, sign, value = statement.partition("=")
        words = value.split()
        if sign and words and key.strip().upper() in TAGS:
            found.setdefault(key.strip().upper(), words[0])
    return found


def number_of(tags: Mapping[str, str], key: str, missing: float) -> float:
    """Look up a number among the tags.

    Args:
        tags: names and values of the tags.
        key: name of the tag.
        missing: what to return where it is not there or is no finite number.
    """
    try:
        value = float(re.sub("[dD]", "e", tags[key].split()[0]))
    except (KeyError, IndexError, ValueError):
        return missing
    return value if np.isfinite(value) else missing


def is_on(tags: Mapping[str, str], key: str) -> bool:
    """Check whether a logical tag is true, written as VASP allows (T, .TRUE., .T.).

    Args:
        tags: names and values of the tags.
        key: name of the tag.
    """
    return tags.get(key, "F").strip().lstrip(".").upper().startswith("T")


def xdatcar_step(tags: Mapping[str, str]) -> FrameStep:
    """Time between the configurations of an XDATCAR."""
    potim = number_of(tags, "POTIM", np.nan)
    block = _block(tags)
    if block is None:
        return FrameStep(ps=np.nan, question=_mode_question("XDATCAR"))
    stride = max(int(number_of(tags, "NBLOCK", 1.0)), block, 1)
    return FrameStep(ps=potim * stride * 1e-3, stride=stride)


def vasprun_step(tags: Mapping[str, str], version: str) -> FrameStep:
    """Time between the steps of a vasprun.xml.

    Args:
        tags: of its ``<incar>`` and ``<parameters>``.
        version: of VASP, as the file names it.
    """
    potim = number_of(tags, "POTIM", np.nan)
    block = _block(tags)
    if block is None:
        return FrameStep(ps=np.nan, question=_mode_question("vasprun.xml"))
    if block <= 1:
        return FrameStep(ps=potim * 1e-3)
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    if len(numbers) < 3:
        return FrameStep(
            ps=np.nan,
            question=f"ML_OUTBLOCK = {block} leaves steps out of vasprun.xml from VASP 6.4.3 on, "
            "and the file does not name its version",
        )
    stride = block if numbers >= OUTBLOCK_IN_XML else 1
    return FrameStep(ps=potim * stride * 1e-3, stride=stride)


def _block(tags: Mapping[str, str]) -> int | None:
    """ML_OUTBLOCK where it acts, 1 where it does not, None where the mode is not said."""
    block = int(number_of(tags, "ML_OUTBLOCK", 1.0))
    if block <= 1 or not is_on(tags, "ML_LMLFF"):
        return 1
    mode = tags.get("ML_MODE", "").strip().strip("'\"").lower()
    if mode in ("", "none"):
        start = tags.get("ML_ISTART")
        if start is None:
            return None
        return block if start.strip() == "2" else 1
    return block if mode.startswith("run") else 1


def _mode_question(name: str) -> str:
    return (
        f"ML_OUTBLOCK thins {name} only in runs with ML_MODE = run, and no ML_MODE is given there"
    )


def temperature(tags: Mapping[str, str]) -> tuple[float, bool]:
    """Temperature of the thermostat, K, or NaN; and whether it is a ramp without a single one."""
    begin = number_of(tags, "TEBEG", np.nan)
    end = number_of(tags, "TEEND", begin)
    ramp = bool(np.isfinite(begin) and abs(end - begin) > 1e-6 * max(abs(begin), 1.0))
    return (np.nan if ramp else begin), ramp
