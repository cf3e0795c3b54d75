"""The paths of an ion as a notebook wants them: barriers by name, a plot, a structure."""

from __future__ import annotations

import dataclasses
import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dualion.results.path.figure import draw_paths
from dualion.results.path.files import free_points
from dualion.screening.percolation.pathways import IonMap
from dualion.screening.triple import Triple
from dualion.structures.conversion import to_structure

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pymatgen.core import Structure


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class IonPaths(IonMap):
    """Field, sites and minimum-energy paths of an ion; see ``IonMap`` for what it holds."""

    @classmethod
    def of(cls, ion_map: IonMap) -> IonPaths:
        """Make it of a map.

        Args:
            ion_map: the map of one ion.
        """
        held = {f.name: getattr(ion_map, f.name) for f in dataclasses.fields(IonMap)}
        return cls(**held)

    @property
    def barriers(self) -> Triple:
        """E_1D, E_2D, E_3D, eV: refined where they were refined, else those on the grid."""
        return Triple.first_known(self.refined_ev, self.barriers_ev)

    def plot(self) -> Figure:
        """Draw the energy along each path, one panel a dimensionality.

        Raises:
            InputError: the ion has no path.
        """
        import matplotlib.pyplot  # noqa: F401  a notebook shows figures once it is imported

        return draw_paths(self.paths, title=f"{self.ion} in {self.crystal.formula}")

    def to_structure(self) -> Structure:
        """Return the crystal with a dummy species ``X0+`` at every point of the paths.

        A point on an atom or on a point that is there already gets none.
        """
        from pymatgen.core import DummySpecies

        structure = to_structure(self.crystal)
        for frac, label in free_points(self.crystal, self.paths):
            structure.append(DummySpecies("X", 0), frac, properties={"label": label})
        return structure

    def __repr__(self) -> str:
        """Ion, formula and barriers, in a line."""
        told = ", ".join(f"{n}D {ev:.3f}" for n, ev in enumerate(self.barriers, start=1))
        return f"IonPaths({self.ion} in {self.crystal.formula}: {told} eV, {len(self.sites)} sites)"

    def _repr_html_(self) -> str:
        rows: list[tuple[Any, ...]] = [
            (f"{path.dimension}D", f"{path.barrier_ev:.3f}", f"{path.distance_angstrom[-1]:.2f}")
            for path in self.paths
        ]
        cells = "".join(
            "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        head = "<tr><th>path</th><th>barrier (eV)</th><th>length (Å)</th></tr>"
        return f"<p>{html.escape(repr(self))}</p><table>{head}{cells}</table>"
