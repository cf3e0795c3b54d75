"""CP2K's data files: pseudopotentials and basis sets of each element."""

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


def find_data_folder(program: str, given: str = "", *, needed: Iterable[str]) -> Path:
    """Find the folder of CP2K's data files.

    Args:
        program: name or path of CP2K; its installation is searched.
        given: folder that the user names; empty for none.
        needed: names of the files that it must hold.

    Raises:
        InputError: there is no such folder.
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


def read_entries(path: Path) -> dict[str, list[tuple[str, ...]]]:
    """Read a file of potentials or basis sets: element → names of each of its entries.

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


def match_kind(
    element: str,
    *,
    basis: str,
    potential: str,
    bases: dict[str, list[tuple[str, ...]]],
    potentials: dict[str, list[tuple[str, ...]]],
) -> Kind:
    """Match a pseudopotential with a basis for the same number of valence electrons.

    Args:
        element: symbol.
        basis: name of the basis, such as ``DZVP-MOLOPT-SR-GTH``.
        potential: name of the potential, such as ``GTH-PBE`` or ``GTH-PBE-q3``.
        bases: as ``read_entries`` gives them.
        potentials: the same.

    Raises:
        InputError: there is no such pair; the message names the element.
    """
    fitting = [names for names in potentials.get(element, ()) if _has_name(names, potential)]
    if not fitting:
        raise InputError(
            f"CP2K's data file holds no potential {potential} for {element}; choose another by "
            f"the setting kinds, or another engine."
        )
    sets = [names for names in bases.get(element, ()) if _has_name(names, basis)]
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


def _has_name(names: tuple[str, ...], name: str) -> bool:
    """Whether an entry has a name, with or without the number of electrons."""
    return any(name in (one, VALENCE.sub("", one)) for one in names)


def _valence(names: tuple[str, ...]) -> str:
    """Number of valence electrons in the names of an entry; empty where there is none."""
    found = (VALENCE.search(name) for name in names)
    return next((match.group(1) for match in found if match), "")


def _full_name(names: tuple[str, ...]) -> str:
    """The name with the number of electrons, else the first name."""
    return next((name for name in names if VALENCE.search(name)), names[0])
