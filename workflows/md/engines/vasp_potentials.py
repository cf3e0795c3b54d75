"""VASP's potentials: the user's library, and the files that belong to some elements."""

from __future__ import annotations

import gzip
import os
import shutil
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dualion.structures.errors import InputError


def find_library() -> Path | None:
    """Find the user's library of potentials in pymatgen's settings; None where there is none."""
    from pymatgen.core import SETTINGS

    found = os.environ.get("PMG_VASP_PSP_DIR") or SETTINGS.get("PMG_VASP_PSP_DIR")
    return Path(str(found)).expanduser() if found else None


def library_files(elements: Iterable[str], symbols: Iterable[str], functional: str) -> list[Path]:
    """Find the files of the library, one an element.

    Args:
        elements: symbols of the elements.
        symbols: names of their potentials, such as ``Li_sv``.
        functional: set of potentials.

    Raises:
        InputError: there is no library, or it lacks one; the message names the element.
    """
    from pymatgen.io.vasp.inputs import PotcarSingle

    folder = find_library()
    if folder is None:
        raise InputError("No library of VASP's potentials is configured.")
    names = PotcarSingle.functional_dir
    if functional not in names:
        raise InputError(
            f"Setting potcar_functional of vasp: there is no {functional!r}; known: "
            f"{', '.join(names)}."
        )
    found = []
    for element, symbol in zip(elements, symbols, strict=True):
        base = folder / names[functional]
        tries = [base / f"POTCAR.{symbol}", base / symbol / "POTCAR"]
        tries = [path.with_name(path.name + end) for path in tries for end in ("", ".gz")]
        file = next((path for path in tries if path.is_file()), None)
        if file is None:
            raise InputError(
                f"The library {base} holds no potential {symbol} for {element}; add it, name "
                "another by the setting potcars, or another set by potcar_functional."
            )
        found.append(file)
    return found


def join_potentials(files: Iterable[Path], target: Path) -> None:
    """Write files of the library, plain or compressed, one after the other into a POTCAR."""
    with target.open("wb") as out:
        for file in files:
            with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as source:
                shutil.copyfileobj(source, out)


def check_elements(potcar: Path, elements: tuple[str, ...]) -> None:
    """Refuse a POTCAR whose potentials are not those of POSCAR, in its order."""
    titles = []
    with potcar.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            words = line.partition("TITEL")[2].replace("=", " ").split()
            if len(words) >= 2:
                titles.append(words[1].partition("_")[0])
    if tuple(titles) != elements:
        raise InputError(
            f"{potcar} holds potentials of {', '.join(titles) or 'nothing'}; POSCAR needs those "
            f"of {', '.join(elements)}, in this order."
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Silence pymatgen, which warns of every tag that is not its own default."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
