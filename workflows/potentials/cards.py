"""One card a potential: what it was trained on, who made it, what it needs, how long it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dualion.structures.elements import symbol

NOT_IN_MPTRJ = (84, 85, 86, 87, 88)
"""Po, At, Rn, Fr, Ra: the elements up to Pu that the Materials Project trajectories lack."""

LAST_IN_MPTRJ = 94

TORCH = "pip install torch==2.13.0 && pip install"
"""Choosing the build of PyTorch first keeps pip from bringing the one for GPUs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PotentialCard:
    """What is known of a potential before it is used.

    Attributes:
        name: as engines and options take it.
        title: as publications call it.
        family: of ``RECIPES``: which code makes the calculator.
        variant: of the family's own models; empty where a file holds the model.
        package: name of its distribution.
        module: that the package brings.
        weights: file of the parameters below the module's folder; empty where the user names one.
        training: data that it was trained on.
        functional: whose energies and forces those are.
        doi: of the publication.
        licence: of code and parameters.
        knows_mptrj_elements: whether its elements are those of the Materials Project trajectories;
            False where the file decides.
        s_per_atom: computing time of a force call, s per atom, on one core; see ``measured``.
        measured: on what that was measured; empty where it is a guess.
        install: command that installs its package.
        file_is_code: whether its model file can hold a program.
    """

    name: str
    title: str
    family: str
    variant: str = ""
    package: str
    module: str
    weights: str = ""
    training: str
    functional: str
    doi: str
    licence: str
    knows_mptrj_elements: bool = False
    s_per_atom: float
    measured: str = ""
    install: str
    file_is_code: bool = False

    @property
    def needs_file(self) -> bool:
        """Whether the user has to name a file of parameters."""
        return not self.weights

    def unknown_elements(self, elements: tuple[str, ...]) -> tuple[str, ...]:
        """Which elements it was not trained on; none where its file decides.

        Args:
            elements: symbols.
        """
        if not self.knows_mptrj_elements:
            return ()
        known = set(mptrj_elements())
        return tuple(one for one in elements if one not in known)


def mptrj_elements() -> tuple[str, ...]:
    """Symbols of the 89 elements of the Materials Project trajectories (MPtrj)."""
    return tuple(symbol(z) for z in range(1, LAST_IN_MPTRJ + 1) if z not in NOT_IN_MPTRJ)


_MPTRJ = "MPtrj: 1.58 million frames of Materials Project relaxations"
_MEASURED = "64 atoms of LiI, one core of a server"
_OF_FILE = "that of the file"

_CHGNET: dict[str, Any] = {
    "family": "chgnet",
    "package": "chgnet",
    "module": "chgnet",
    "licence": "Modified BSD",
    "knows_mptrj_elements": True,
    "measured": _MEASURED,
    "install": f"{TORCH} 'dualion[mlip]'",
}
_SEVENNET: dict[str, Any] = {
    "family": "sevennet",
    "package": "sevenn",
    "module": "sevenn",
    "licence": "MIT (wheel 0.13)",
    "install": f"{TORCH} 'dualion[sevennet]'",
}


def _sevennet(name: str, folder: str, **facts: Any) -> PotentialCard:
    """Card of a SevenNet whose checkpoint is in the wheel."""
    fixed: dict[str, Any] = {**_SEVENNET, "knows_mptrj_elements": True, "measured": _MEASURED}
    weights = f"pretrained_potentials/{folder}"
    return PotentialCard(name=name, weights=weights, **fixed, **facts)


def _by_file(name: str, title: str, package: str, module: str, **facts: Any) -> PotentialCard:
    """Card of a family whose parameters the user brings."""
    fixed: dict[str, Any] = {
        "family": name,
        "training": _OF_FILE,
        "functional": _OF_FILE,
        "s_per_atom": 5e-3,
        "install": f"pip install {package}",
    }
    return PotentialCard(
        name=name, title=title, package=package, module=module, **{**fixed, **facts}
    )


CARDS = {
    card.name: card
    for card in (
        PotentialCard(
            name="chgnet",
            title="CHGNet 0.3.0",
            variant="0.3.0",
            weights="pretrained/0.3.0/chgnet_0.3.0_e29f68s314m37.pth.tar",
            training=_MPTRJ,
            functional="PBE, PBE+U",
            doi="10.1038/s42256-023-00716-3",
            s_per_atom=2e-3,
            **_CHGNET,
        ),
        PotentialCard(
            name="chgnet-r2scan",
            title="CHGNet r2SCAN",
            variant="r2scan",
            weights="pretrained/r2scan/chgnet_r2scan_transfer_learning_e15f36s161m23.pth.tar",
            training="MPtrj, then transferred to MP-r2SCAN: 0.24 million structures",
            functional="r2SCAN",
            doi="10.1038/s41524-025-01796-y",
            s_per_atom=2e-3,
            **_CHGNET,
        ),
        _sevennet(
            "7net-0",
            "SevenNet_0__11Jul2024/checkpoint_sevennet_0.pth",
            title="SevenNet-0 (11 July 2024)",
            variant="7net-0",
            training=_MPTRJ,
            functional="PBE, PBE+U",
            doi="10.1021/acs.jctc.4c00190",
            s_per_atom=6.8e-3,
        ),
        *(
            _sevennet(
                f"7net-mf-0:{head.lower()}",
                "SevenNet_MF_0/checkpoint_sevennet_mf_0.pth",
                title=f"SevenNet-MF-0, {functional}",
                variant=f"7net-mf-0:{head}",
                training="Materials Project at both levels at once, PBE and r2SCAN",
                functional=functional,
                doi="10.1021/jacs.4c14455",
                s_per_atom=7.3e-3,
            )
            for head, functional in (("PBE", "PBE, PBE+U"), ("R2SCAN", "r2SCAN"))
        ),
        _sevennet(
            "7net-l3i5",
            "SevenNet_l3i5/checkpoint_l3i5.pth",
            title="SevenNet-l3i5",
            variant="7net-l3i5",
            training=_MPTRJ,
            functional="PBE, PBE+U",
            doi="10.1021/acs.jctc.4c00190",
            s_per_atom=2.1e-2,
        ),
        _by_file(
            "sevennet",
            "SevenNet",
            "sevenn",
            "sevenn",
            doi="10.1021/acs.jctc.4c00190",
            licence="MIT (code)",
            install=_SEVENNET["install"],
        ),
        _by_file(
            "mace",
            "MACE",
            "mace-torch",
            "mace",
            doi="10.48550/arXiv.2206.07697",
            licence="MIT (code)",
            file_is_code=True,
        ),
        _by_file(
            "mattersim",
            "MatterSim",
            "mattersim",
            "mattersim",
            doi="10.48550/arXiv.2405.04967",
            licence="MIT (code)",
        ),
        _by_file(
            "orb",
            "ORB",
            "orb-models",
            "orb_models",
            doi="10.48550/arXiv.2410.22570",
            licence="Apache-2.0 (code)",
        ),
        _by_file(
            "grace",
            "GRACE",
            "tensorpotential",
            "tensorpotential",
            doi="10.1103/PhysRevX.14.021036",
            licence="Academic Software License (code)",
            file_is_code=True,
        ),
        _by_file(
            "nequix",
            "Nequix",
            "nequix",
            "nequix",
            doi="10.48550/arXiv.2508.16067",
            licence="MIT (code)",
        ),
        _by_file(
            "uma",
            "UMA",
            "fairchem-core",
            "fairchem",
            doi="10.48550/arXiv.2506.23971",
            licence="MIT (code), FAIR Chemistry License (parameters)",
            file_is_code=True,
        ),
    )
}
"""Name → card of every potential that is known by name."""

DEFAULT = "chgnet"
"""The potential where none is named."""


def list_names() -> str:
    """List the names for a help text, and how any other calculator is named."""
    return f"{', '.join(CARDS)}, or package.module:Class of an ASE calculator"
