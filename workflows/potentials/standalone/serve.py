"""The process of a potential that lives in another environment: requests in, results out.

It answers on what was its standard output; what libraries print goes to its standard error. It
ends when its standard input is closed, which the system does when the parent dies.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO

from dualion.workflows.potentials.standalone import batches, recipes
from dualion.workflows.potentials.standalone.inventory import find_packages
from dualion.workflows.potentials.standalone.wire import receive, send


def main() -> None:
    """Answer requests until the parent closes its end."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    calculator: Any = None
    while True:
        message = receive(requests)
        if message is None:
            return
        header, arrays = message
        try:
            if header["request"] == "make":
                calculator = _make(header)
                send(answers, _describe(calculator), {})
            elif header["request"] == "inventory":
                send(answers, {"found": find_packages(header["packages"])}, {})
            else:
                _evaluate(answers, calculator, header, arrays)
        except BrokenPipeError:
            return
        except Exception as error:  # the boundary: the parent decides what it means
            missing = error.name or "" if isinstance(error, ImportError) else None
            text = " ".join(str(error).split())
            send(answers, {"error": type(error).__name__, "message": text, "missing": missing}, {})


def _make(header: Mapping[str, Any]) -> Any:
    if header["class"]:
        return recipes.make_by_class(header["class"], header["model_path"])
    return recipes.make(header["family"], header["variant"], header["model_path"], header["device"])


def _describe(calculator: Any) -> dict[str, Any]:
    return {
        "properties": [str(name) for name in calculator.implemented_properties],
        "batch": batches.has_batch(calculator),
        "python": sys.version.split()[0],
    }


def _evaluate(
    answers: BinaryIO, calculator: Any, header: Mapping[str, Any], arrays: Mapping[str, Any]
) -> None:
    """Compute the cells of a request; the stress of one cell where it is asked for."""
    from ase import Atoms

    cells = [
        Atoms(
            numbers=arrays[f"numbers{at}"],
            positions=arrays[f"positions{at}"],
            cell=arrays[f"cell{at}"],
            pbc=arrays[f"periodic{at}"].astype(bool),
        )
        for at in range(int(header["cells"]))
    ]
    if header["stress"]:
        (cell,) = cells
        cell.calc = calculator
        with recipes.quiet():
            found = {"stress0": cell.get_stress(), "forces0": cell.get_forces()}
            found["energies"] = [cell.get_potential_energy()]
    else:
        results = batches.evaluate(calculator, cells)
        found = {f"forces{at}": forces for at, (_, forces) in enumerate(results)}
        found["energies"] = [energy for energy, _ in results]
    send(answers, {}, found)
