"""Results as documents: dictionaries of plain values that name their classes, as monty has them.

``json.dumps(result, cls=MontyEncoder)`` and ``MontyDecoder`` of monty, and the stores of jobflow,
take them as they are.
"""

from __future__ import annotations

import dataclasses
import sys
from enum import Enum
from importlib import import_module
from typing import Any, Self

import numpy as np
from monty.json import MSONable

from dualion.structures.errors import InputError

PACKAGE = __name__.split(".", maxsplit=1)[0]
NUMERIC = "biufc"
"""Kinds of NumPy arrays that a document may hold."""


class Document(MSONable):
    """A result that can be written as a document and made of one."""

    def as_dict(self) -> dict[str, Any]:
        """Return the document: plain values, arrays as monty writes them."""
        return dict(_encode(self))

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> Self:
        """Make the result of its document.

        Args:
            d: what ``as_dict`` gave, directly or through JSON.

        Raises:
            InputError: the document is of something else, or damaged.
        """
        found = _decode({**d, "@module": cls.__module__, "@class": cls.__name__})
        assert isinstance(found, cls)
        return found


def _encode(value: Any) -> Any:
    if isinstance(value, Enum):
        return _named(value, {"value": value.value})
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return _named(value, fields)
    if isinstance(value, np.ndarray):
        return {
            "@module": "numpy",
            "@class": "array",
            "dtype": str(value.dtype),
            "data": value.tolist(),
        }
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _named(value, value._asdict())
    if isinstance(value, list | tuple):
        return [_encode(one) for one in value]
    if isinstance(value, dict):
        return {key: _encode(one) for key, one in value.items()}
    return value


def _named(value: Any, fields: dict[str, Any]) -> dict[str, Any]:
    return {"@module": type(value).__module__, "@class": type(value).__name__, **fields}


def _decode(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_decode(one) for one in value)
    if not isinstance(value, dict):
        return value
    fields = {key: one for key, one in value.items() if not str(key).startswith("@")}
    if "@class" not in value:
        return {key: _decode(one) for key, one in fields.items()}
    if value.get("@module") == "numpy":
        return _array(fields)
    kind = _class_of(str(value.get("@module")), str(value["@class"]))
    try:
        return kind(**{key: _decode(one) for key, one in fields.items()})
    except (TypeError, ValueError) as error:
        raise InputError(f"The document is no {kind.__name__}: {error}.") from error


def _array(fields: dict[str, Any]) -> np.ndarray[Any, Any]:
    try:
        kind = np.dtype(str(fields.get("dtype")))
        if kind.kind in NUMERIC:
            return np.array(fields.get("data"), dtype=kind)
    except (TypeError, ValueError) as error:
        raise InputError(f"An array of the document is damaged: {error}.") from error
    raise InputError(f"A document holds numbers, not arrays of {kind}.")


def _class_of(module: str, name: str) -> type:
    """Find a data class, a named tuple or an enumeration of this package, and nothing else."""
    if module.split(".", maxsplit=1)[0] == PACKAGE:
        try:
            found = getattr(sys.modules.get(module) or import_module(module), name, None)
        except ImportError:
            found = None
        if isinstance(found, type) and (
            dataclasses.is_dataclass(found) or issubclass(found, Enum) or hasattr(found, "_fields")
        ):
            return found
    raise InputError(f"The document names {module}.{name}, which is no result of {PACKAGE}.")
