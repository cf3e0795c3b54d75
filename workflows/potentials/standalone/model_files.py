"""Model files as weights alone: tensors, plain values and numpy's arrays, never a program.

A model file is a pickle, and loading a pickle runs what it holds. torch's restricted unpickler
(``weights_only``) refuses whatever is more than weights before any of it runs. Some libraries load
their files without it; such a file is first read here, so that a program in it never gets that far.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from dualion.workflows.potentials.standalone.errors import PotentialError


def load_weights(path: Path) -> Any:
    """Load a file of weights; what else a pickle may hold is refused, not run.

    Args:
        path: a file that ``torch.save`` wrote.

    Raises:
        PotentialError: the file holds more than that, or is none.
    """
    import pickle

    import torch

    try:
        with torch.serialization.safe_globals(_arrays_of_numpy()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that torch did not write
            return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise PotentialError(
            f"{path} is not a file of weights alone, so it was not loaded: a model file can hold a "
            "program. Ask its author for the weights, saved with torch.save."
        ) from error


def require_weights_alone(path: str) -> str:
    """Require that a file holds weights alone; returns its path, for the library that loads it.

    Args:
        path: of the model file.

    Raises:
        PotentialError: it holds more than that.
    """
    load_weights(Path(path))
    return path


def _arrays_of_numpy() -> list[Any]:
    """What numpy's arrays and scalars are made of in a pickle; checkpoints hold statistics so.

    Files written by numpy 1 name the module ``numpy.core``, those of numpy 2 ``numpy._core``.
    """
    import numpy as np

    array, scalar = np.empty(0).__reduce__()[0], np.float64(0.0).__reduce__()[0]
    kinds = [type(np.dtype(code)) for code in ("f4", "f8", "i4", "i8", "?")]
    names = [
        (function, f"numpy.{core}.multiarray.{name}")
        for core in ("core", "_core")
        for function, name in ((array, "_reconstruct"), (scalar, "scalar"))
    ]
    return [np.ndarray, np.dtype, *kinds, *names]
