"""The reference structures that come with the package."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def reference_paths() -> list[Path]:
    """Paths of the bundled CIFs, sorted by name.

    Returns:
        Paths on disk; the package is installed as a folder, never as a zip file.
    """
    folder = Path(str(resources.files("dualion.structures.reference")))
    return sorted(folder.glob("*.cif"))
