"""Images of hops as objects of ASE and pymatgen: of computed bands, or on bond valence paths."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dualion.screening.hops.vacancy import VacancyHops, vacancy_hops
from dualion.screening.ions import MobileIon
from dualion.structures.conversion import to_atoms
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError, StructureError
from dualion.workflows.neb.cell import HopCell, hop_cell
from dualion.workflows.neb.images import start_images

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure

LARGEST_BYTES = 200_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HopImages:
    """A hop as images, ends included; atoms keep their order and are not wrapped apart.

    Attributes:
        ion: the ion that hops.
        hop: index into ``HopList.chosen``.
        mover: the atom that hops.
        frames: the images.
        charge_e: charge of the cell: an ion has left it.
        rises_ev: climb from both ends by what the images come from, eV; NaN where it has none.
        origin: ``bond valence``, or the name of the potential whose band it is.
    """

    ion: MobileIon
    hop: int
    mover: int
    frames: tuple[Atoms, ...]
    charge_e: float
    rises_ev: tuple[float, float]
    origin: str

    def images(self) -> list[Atoms]:
        """Return the images as ASE atoms."""
        return [frame.copy() for frame in self.frames]

    def structures(self) -> list[Structure]:
        """Return the images as pymatgen structures; coordinates go on over cell faces."""
        return [to_structure(frame) for frame in self.frames]

    @property
    def length_angstrom(self) -> float:
        """Distance that the ion goes, Å."""
        way = self.frames[-1].positions[self.mover] - self.frames[0].positions[self.mover]
        return float(np.linalg.norm(way))


def to_structure(frame: Atoms) -> Structure:
    """Convert an image; no coordinate is wrapped.

    Args:
        frame: an image.
    """
    from pymatgen.core import Lattice, Structure

    return Structure(
        Lattice(np.array(frame.cell)),
        frame.get_chemical_symbols(),
        frame.positions,
        coords_are_cartesian=True,
        to_unit_cell=False,
    )


def images_of(
    frames: Sequence[Atoms | Structure], ion: MobileIon, *, hop: int = 0, origin: str = "given"
) -> HopImages:
    """Take the images of a hop from ASE or pymatgen; what hops is the atom that moves farthest.

    Args:
        frames: three images or more of one cell, atoms in the same order.
        ion: the ion that hops.
        hop: its number.
        origin: what the images come from.

    Raises:
        InputError: they are no images of one hop.
    """
    from ase import Atoms
    from pymatgen.io.ase import AseAtomsAdaptor

    atoms = [one if isinstance(one, Atoms) else AseAtomsAdaptor.get_atoms(one) for one in frames]
    if len(atoms) < 3:
        raise InputError(f"A hop needs both ends and an image between; {len(atoms)} were given.")
    first = atoms[0]
    for one in atoms[1:]:
        if list(one.numbers) != list(first.numbers) or not np.allclose(one.cell, first.cell):
            raise InputError("The images of a hop must hold the same atoms in the same cell.")
    together = unwrapped(atoms)
    moves = np.linalg.norm(together[-1].positions - together[0].positions, axis=1)
    own = first.numbers == ion.number
    if not own.any():
        raise InputError(f"The images hold no {ion.element}; name the ion that hops.")
    return HopImages(
        ion=ion,
        hop=hop,
        mover=int(np.where(own, moves, -1.0).argmax()),
        frames=tuple(together),
        charge_e=-ion.charge,
        rises_ev=(np.nan, np.nan),
        origin=origin,
    )


def bond_valence_hops(
    crystal: IonicCrystal,
    ion: MobileIon,
    *,
    images: int,
    most_atoms: int,
    smallest_width_angstrom: float,
    wanted: Sequence[int] = (),
) -> list[HopImages]:
    """Lay images along the bond valence paths of an ion's hops, no ion giving way.

    Args:
        crystal: ordered, in its primitive cell.
        ion: the mobile ion.
        images: number of images between the ends.
        most_atoms: largest number of atoms of the supercell.
        smallest_width_angstrom: least distance of its opposite faces, Å.
        wanted: indices into ``HopList.chosen``; empty for those that decide E_1D, E_2D, E_3D.

    Raises:
        InputError: no supercell is wide enough, or there is no such hop.
        StructureError: the ion has no hops.
    """
    cell = hop_cell(
        crystal, ion, most_atoms=most_atoms, smallest_width_angstrom=smallest_width_angstrom
    )
    found = vacancy_hops(crystal, ion)
    if not len(found.hops.chosen):
        raise StructureError(
            f"{ion} has no site or periodic image in reach of a hop.", reason="no_hop_in_reach"
        )
    critical = {int(found.hops.kinds[row]) for row in found.relaxing.critical if row >= 0}
    numbers = _checked(wanted or sorted(critical), range(len(found.hops.chosen)), ion)
    return [_bond_valence_hop(cell, found, number, images) for number in numbers]


def stored_hops(
    folder: Path, ion: MobileIon, *, origin: str, wanted: Sequence[int] = ()
) -> list[HopImages]:
    """Read the bands that a potential has left in an ion's folder.

    Args:
        folder: of the ion.
        ion: the mobile ion.
        origin: name of the potential.
        wanted: indices into ``HopList.chosen``; empty for all that are there.

    Raises:
        InputError: a band is damaged, or there is no such hop.
    """
    bands = {int(path.stem.removeprefix("hop-")): path for path in folder.glob("hop-*.extxyz")}
    numbers = _checked(wanted or sorted(bands), sorted(bands), ion)
    found = []
    for number in numbers:
        about = _read_json(bands[number].with_suffix(".json"))
        rises = [np.nan if rise is None else float(rise) for rise in about["rises_ev"]]
        hop = images_of(read_frames(bands[number]), ion, hop=number, origin=origin)
        found.append(
            HopImages(
                ion=ion, hop=number, mover=hop.mover, frames=hop.frames, charge_e=hop.charge_e,
                rises_ev=(rises[0], rises[1]), origin=origin,
            )
        )  # fmt: skip
    return found


def read_frames(path: Path) -> list[Atoms]:
    """Read the images of an extended XYZ file.

    Raises:
        InputError: it is damaged or too large.
    """
    from ase.io import read

    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ValueError("it is too large")
        found = read(path, index=":", format="extxyz")
    except (OSError, ValueError, KeyError, IndexError, StopIteration) as error:
        raise InputError(
            f"{path} is damaged ({error}); delete its hop, and write it again."
        ) from error
    return list(found)


def _bond_valence_hop(cell: HopCell, found: VacancyHops, number: int, images: int) -> HopImages:
    hops, sites, unit = found.hops, cell.sites, cell.unit
    row = int(hops.chosen[number])
    begin = sites.frac[hops.near[row]]
    end = sites.frac[hops.far[row]] + hops.cells[row]
    mover, gone = (int(cell.own[cell.site_at(place)]) for place in (begin, end))
    first = to_atoms(cell.large)
    last = first.copy()
    last.positions[mover] += (end - begin) @ unit.cell
    saddle = found.energies.saddles_frac[number]
    place = None
    if np.isfinite(saddle).all():
        place = first.positions[mover] + (saddle - begin) @ unit.cell
    del first[gone], last[gone]
    mover -= gone < mover
    rises = found.energies.rises_ev(relaxing=True)[number]
    return HopImages(
        ion=cell.ion,
        hop=number,
        mover=mover,
        frames=tuple(start_images(first, last, mover, images, place)),
        charge_e=-cell.ion.charge,
        rises_ev=(float(rises[0]), float(rises[1])),
        origin="bond valence",
    )


def _checked(wanted: Sequence[int], known: Sequence[int], ion: MobileIon) -> list[int]:
    for number in wanted:
        if number not in known:
            has = (
                f"{ion} has the hops {', '.join(map(str, known))}"
                if len(known)
                else f"{ion} has none"
            )
            raise InputError(f"There is no hop {number}: {has}.")
    return list(dict.fromkeys(wanted))


def unwrapped(frames: Sequence[Atoms]) -> list[Atoms]:
    """Images whose atoms do not jump over cell faces from one to the next."""
    found = [frames[0].copy()]
    for frame in frames[1:]:
        following = frame.copy()
        gaps = (frame.positions - found[-1].positions) @ np.linalg.inv(np.array(frame.cell))
        following.positions -= np.round(gaps) @ np.array(frame.cell)
        found.append(following)
    return found


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}).") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} is damaged: it holds no mapping.")
    return content


def shifted_images(
    images: Sequence[Atoms], first_angstrom: NDArray[np.float64], last_angstrom: NDArray[np.float64]
) -> list[Atoms]:
    """Put images between ends that were relaxed: each follows both ends by its share of the way.

    Args:
        images: with the ends as they were.
        first_angstrom, last_angstrom: shape (n, 3), relaxed positions of the ends, Å.
    """
    cell = np.array(images[0].cell)
    moves = []
    for frame, relaxed in ((images[0], first_angstrom), (images[-1], last_angstrom)):
        gaps = (relaxed - frame.positions) @ np.linalg.inv(cell)
        moves.append((gaps - np.round(gaps)) @ cell)
    found = []
    for share, image in zip(np.linspace(0.0, 1.0, len(images)), images, strict=True):
        moved = image.copy()
        moved.positions += (1.0 - share) * moves[0] + share * moves[1]
        found.append(moved)
    return found
