"""CP2K's own data files: which pseudopotential and basis there are for an element."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dualion.structures.errors import InputError

LARGEST_DATA_BYTES = 50_000_000
ENTRY = re.compile(r"^\s*([A-Z][a-z]?)\s+([A-Za-z]\S*(?:\s+[A-Za-z]\S*)*)\s*$")
"""First line of an entry: the element and the entry's names."""

VALENCE = re.compile(r"-q(\d+)$")


@dataclass(frozen=True, slots=True)
class Kind:
    """Basis and pseudopotential of an element, by the names of CP2K's data files."""

    element: str
    basis: str
    potential: str


def data_folder(program: str, given: str = "", *, needed: Iterable[str]) -> Path:
    """Folder of CP2K's data files.

    Args:
        program: name or path of CP2K, beside which they are looked for.
        given: folder that the user names.
        needed: files that must be there.

    Raises:
        InputError: there is none.
    """
    places = [Path(p).expanduser() for p in (given, os.environ.get("CP2K_DATA_DIR", "")) if p]
    found = shutil.which(program)
    if found and not given:
        root = Path(found).resolve().parent
        places += [root.parent / "share" / "cp2k", root.parent / "share" / "cp2k" / "data"]
        places += [root.parent / "data", root.parent.parent / "data"]
    if not given:
        places.append(Path("/usr/share/cp2k"))
    names = tuple(needed)
    for place in places:
        if all((place / name).is_file() for name in names):
            return place
    raise InputError(
        f"CP2K's data files {' and '.join(names)} were not found; install them (Debian and "
        "Ubuntu: apt install cp2k-data), or name their folder by the setting data_dir or by "
        "CP2K_DATA_DIR."
    )


def entries(path: Path) -> dict[str, list[tuple[str, ...]]]:
    """Element → names of each of its entries in a file of potentials or basis sets.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        if path.stat().st_size > LARGEST_DATA_BYTES:
            raise InputError(f"{path} is too large to be one of CP2K's data files.")
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error
    found: dict[str, list[tuple[str, ...]]] = {}
    for line in text.splitlines():
        match = ENTRY.match(line.split("#")[0])
        if match:
            found.setdefault(match.group(1), []).append(tuple(match.group(2).split()))
    return found


def kind_of(
    element: str,
    *,
    basis: str,
    potential: str,
    bases: dict[str, list[tuple[str, ...]]],
    potentials: dict[str, list[tuple[str, ...]]],
) -> Kind:
    """The pseudopotential of an element and the basis of the same number of valence electrons.

    Args:
        element: symbol.
        basis: name of the basis, such as ``DZVP-MOLOPT-SR-GTH``.
        potential: name of the potential, such as ``GTH-PBE`` or ``GTH-PBE-q3``.
        bases: as ``entries`` gives them.
        potentials: the same.

    Raises:
        InputError: there is none; the message names the element.
    """
    fitting = [names for names in potentials.get(element, ()) if _named(names, potential)]
    if not fitting:
        raise InputError(
            f"CP2K's data file holds no potential {potential} for {element}; choose another by "
            f"the setting kinds, or another engine."
        )
    sets = [names for names in bases.get(element, ()) if _named(names, basis)]
    if not sets:
        raise InputError(
            f"CP2K's data file holds no basis {basis} for {element}; name one by the setting "
            f"kinds or basis_file, or choose another engine."
        )
    for names in fitting:
        for others in sets:
            if _valence(others) in ("", _valence(names)):
                return Kind(element, others[0], _full_name(names))
    raise InputError(
        f"The basis {basis} and the potential {potential} of {element} are for different numbers "
        f"of valence electrons; name a pair by the setting kinds."
    )


def _named(names: tuple[str, ...], wanted: str) -> bool:
    """Whether an entry has a name, with or without the number of electrons."""
    return any(name == wanted or VALENCE.sub("", name) == wanted for name in names)


def _valence(names: tuple[str, ...]) -> str:
    """Number of valence electrons that an entry's names tell; empty where they do not."""
    found = (VALENCE.search(name) for name in names)
    return next((match.group(1) for match in found if match), "")


def _full_name(names: tuple[str, ...]) -> str:
    """The name with the number of electrons, else the first."""
    return next((name for name in names if VALENCE.search(name)), names[0])
