"""Engine, potential, compound and defects of a run, for the headings of its analysis."""

from __future__ import annotations

from pathlib import Path

from dualion.results.transport.identity import RunOrigin
from dualion.workflows.md.engines.cp2k_input import check_cp2k_settings
from dualion.workflows.md.engines.vasp_inputs import check_vasp_settings
from dualion.workflows.md.plan.spec import RunSpec

WRITTEN = {
    "chgnet": "CHGNet",
    "mace": "MACE",
    "sevennet": "SevenNet",
    "mattersim": "MatterSim",
    "orb": "Orb",
}
"""Name of a potential → as its authors write it."""


def origin_of(spec: RunSpec) -> RunOrigin:
    """Tell what makes a run.

    Args:
        spec: the run.
    """
    engine, potential = _engine_and_potential(spec)
    return RunOrigin(
        engine=engine,
        potential=potential,
        compound=spec.formula,
        defects=spec.cell,
        protocol=spec.protocol.name,
        replica=spec.replica,
    )


def _engine_and_potential(spec: RunSpec) -> tuple[str, str]:
    if spec.engine == "cp2k":
        cp2k = check_cp2k_settings(spec.settings)
        return "CP2K", f"{cp2k.potential}, {cp2k.basis}"
    if spec.engine == "vasp":
        vasp = check_vasp_settings(spec.settings)
        functional = next((str(v) for k, v in vasp.incar.items() if k.upper() == "GGA"), "")
        return "VASP", f"{vasp.potcar_functional}{f', GGA = {functional}' if functional else ''}"
    name = WRITTEN.get(spec.engine, spec.engine.rpartition(":")[2])
    return "ASE", f"{name}, {Path(spec.model_path).name}" if spec.model_path else name
