"""Which packages an environment holds; nothing is imported."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec


def find_packages(packages: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Find packages by their modules.

    Args:
        packages: module → distribution.

    Returns:
        Module → ``folder`` and ``version``, of those that are installed.
    """
    found = {}
    for module, package in packages.items():
        spec = find_spec(module)
        if spec is None or not spec.submodule_search_locations:
            continue
        try:
            number = version(package)
        except PackageNotFoundError:
            number = ""
        found[module] = {
            "folder": str(next(iter(spec.submodule_search_locations))),
            "version": number,
        }
    return found
