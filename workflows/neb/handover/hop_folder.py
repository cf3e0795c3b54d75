"""The folder of a hop that a DFT program computes: its images as they were handed over."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.io.extxyz import write_extxyz

from dualion.screening.ions import MobileIon
from dualion.structures.atomic_write import replacing_text
from dualion.structures.errors import InputError, StructureError
from dualion.workflows.execution.files import write_json
from dualion.workflows.neb.band import Band
from dualion.workflows.neb.handover.hop_images import HopImages, read_frames

if TYPE_CHECKING:
    from ase import Atoms

IMAGES, ABOUT = "images.extxyz", "hop.json"


class NotComputedError(StructureError):
    """A hop that the program has not finished; the message says what is missing."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="engine_stopped")


@dataclass(frozen=True, slots=True)
class HopFolder:
    """A folder of one hop.

    Attributes:
        path: of the folder.
    """

    path: Path

    @property
    def written(self) -> bool:
        """Whether a hop was handed over here."""
        return (self.path / ABOUT).is_file()

    def save(self, hop: HopImages, *, engine: str, force_ev_angstrom: float) -> None:
        """Keep the images of a hop, its description last.

        Args:
            hop: what is handed over.
            engine: name of the program.
            force_ev_angstrom: force limit of the band, eV/Å.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with replacing_text(self.path / IMAGES) as handle:
            write_extxyz(handle, hop.images())
        content = {
            "engine": engine,
            "ion": str(hop.ion),
            "hop": hop.hop,
            "mover": hop.mover,
            "images": len(hop.frames),
            "charge_e": hop.charge_e,
            "rises_ev": [rise if math.isfinite(rise) else None for rise in hop.rises_ev],
            "origin": hop.origin,
            "force_ev_angstrom": force_ev_angstrom,
        }
        write_json(self.path / ABOUT, content)

    def about(self) -> dict[str, Any]:
        """Return the description of the hop.

        Raises:
            InputError: it is damaged.
        """
        try:
            content: dict[str, Any] = json.loads((self.path / ABOUT).read_text(encoding="utf-8"))
            content["force_ev_angstrom"] = float(content["force_ev_angstrom"])
            return content
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{self.path / ABOUT} is damaged; delete the folder, and write the hop again."
            ) from error

    def hop(self) -> HopImages:
        """Return the hop as it was handed over.

        Raises:
            InputError: the folder is damaged.
        """
        about, frames = self.about(), read_frames(self.path / IMAGES)
        if len(frames) != about["images"]:
            raise InputError(
                f"{self.path / IMAGES} holds {len(frames)} images in place of {about['images']}; "
                "delete the folder, and write the hop again."
            )
        rises = [math.nan if rise is None else float(rise) for rise in about["rises_ev"]]
        return HopImages(
            ion=MobileIon.parse(about["ion"]),
            hop=about["hop"],
            mover=about["mover"],
            frames=tuple(frames),
            charge_e=about["charge_e"],
            rises_ev=(rises[0], rises[1]),
            origin=about["origin"],
        )


def band_of(
    images: Sequence[Atoms],
    energies_ev: Sequence[float],
    *,
    force_ev_angstrom: float,
    limit: float,
    steps: int,
) -> Band:
    """Collect what a program found into a band.

    Args:
        images: relaxed images, ends included.
        energies_ev: their energies, eV.
        force_ev_angstrom: largest residual force, eV/Å.
        limit: largest force of a converged band, eV/Å.
        steps: steps of the program.
    """
    from ase.calculators.singlepoint import SinglePointCalculator

    images = [image.copy() for image in images]
    for image, energy in zip(images, energies_ev, strict=True):
        image.calc = SinglePointCalculator(image, energy=energy)
    energies = np.array(energies_ev)
    return Band(
        images=images,
        energies_ev=energies - energies[0],
        top=int(energies.argmax()),
        largest_force_ev_angstrom=force_ev_angstrom,
        steps=steps,
        converged=force_ev_angstrom <= limit,
    )
