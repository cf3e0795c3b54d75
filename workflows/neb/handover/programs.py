"""The DFT programs that take hops: what each writes, reads, and needs of its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dualion.structures.errors import InputError
from dualion.workflows.neb.band import Band, BandOptions
from dualion.workflows.neb.handover.hop_folder import HopFolder, NotComputedError
from dualion.workflows.neb.handover.hop_images import HopImages
from dualion.workflows.neb.hop_barriers import HopBarrier, assess_band

if TYPE_CHECKING:
    from pydantic import BaseModel

PROGRAMS = ("vasp", "cp2k")
"""Names of ``--engine`` that hand hops over in place of computing them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """A program with checked settings.

    Attributes:
        name: of the program.
        write: write the inputs of a hop into a folder.
        read: read the band back; raises NotComputedError where it is not finished.
        command: what to run, as a sentence for the user.
    """

    name: str
    write: Callable[[HopImages, HopFolder, BandOptions], None]
    read: Callable[[HopFolder], Band]
    command: str


def make_handover(name: str, settings: Mapping[str, Any]) -> Handover:
    """Check the settings of a program.

    Args:
        name: one of ``PROGRAMS``.
        settings: as in the settings file of the MD engine of the same name.

    Raises:
        InputError: there is no such program, or a setting is wrong.
    """
    if name == "vasp":
        return _vasp(settings)
    if name == "cp2k":
        return _cp2k(settings)
    raise InputError(f"Hops are handed over to {' and '.join(PROGRAMS)}, not to {name!r}.")


def settings_model(name: str) -> type[BaseModel]:
    """Return the settings of a program, each optional.

    Args:
        name: one of ``PROGRAMS``.
    """
    if name == "vasp":
        from dualion.workflows.md.engines.vasp_inputs import VaspSettings

        return VaspSettings
    from dualion.workflows.md.engines.cp2k_input import Cp2kSettings

    return Cp2kSettings


def read_hop(handover: Handover, folder: HopFolder) -> HopBarrier:
    """Read the barrier of a hop.

    Args:
        handover: the program.
        folder: of the hop.

    Raises:
        InputError: the folder is of another program, or damaged.
        NotComputedError: the program has not finished it.
    """
    about = folder.about()
    if about["engine"] != handover.name:
        raise InputError(
            f"{folder.path} was written for {about['engine']}, not for {handover.name}."
        )
    return assess_band(int(about["hop"]), handover.read(folder), int(about["mover"]))


def _vasp(settings: Mapping[str, Any]) -> Handover:
    from dualion.workflows.neb.handover.vasp_hop import check_band_settings, write_vasp_hop
    from dualion.workflows.neb.handover.vasp_results import read_vasp_hop

    checked = check_band_settings(settings)

    def write(hop: HopImages, folder: HopFolder, options: BandOptions) -> None:
        write_vasp_hop(hop, folder, options, checked)

    return Handover(
        name="vasp",
        write=write,
        read=read_vasp_hop,
        command="Run VASP in the folders of both ends of each hop, then this again.",
    )


def _cp2k(settings: Mapping[str, Any]) -> Handover:
    from dualion.workflows.md.engines.cp2k import find_kinds
    from dualion.workflows.md.engines.cp2k_input import check_cp2k_settings
    from dualion.workflows.neb.handover.cp2k_hop import INPUT, OUTPUT, write_cp2k_hop
    from dualion.workflows.neb.handover.cp2k_results import read_cp2k_hop

    checked = check_cp2k_settings(settings)

    def write(hop: HopImages, folder: HopFolder, options: BandOptions) -> None:
        elements = tuple(dict.fromkeys(hop.frames[0].get_chemical_symbols()))
        write_cp2k_hop(hop, folder, options, checked, find_kinds(checked, elements))

    return Handover(
        name="cp2k",
        write=write,
        read=read_cp2k_hop,
        command=f"Run cp2k.psmp -i {INPUT} -o {OUTPUT} in each hop's folder, then this again.",
    )


__all__ = ["PROGRAMS", "Handover", "NotComputedError", "make_handover", "read_hop"]
