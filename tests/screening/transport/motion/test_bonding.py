"""Polyanions of trajectories: what is bound, and that nothing is left out for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure
from walks import STEP_PS, gaussian_walk

from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.motion.bonding import (
    FIRST_FRAMES,
    _usual_charges,
    find_polyanions,
)
from dualion.screening.transport.options import AnalysisOptions
from dualion.screening.transport.report import TransportReport
from dualion.screening.transport.species import ion_groups
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.trajectories import Trajectory

REPEAT = (2, 1, 2)


def bundled(name: str) -> Structure:
    path = next(path for path in reference_paths() if path.stem == name)
    return next(iter(read_structures([path]))).structure


def yttrium_bromide() -> Structure:
    """Li3YBr6, ordered: the sites of its isotype Li3InCl6 in the measured cell."""
    ordered, other = bundled("Li3InCl6"), {"Li": "Li", "In": "Y", "Cl": "Br"}
    species = [other[site.specie.symbol] for site in ordered]
    return Structure(bundled("Li3YBr6").lattice, species, ordered.frac_coords)


def run_of(
    structure: Structure, walking: Sequence[str], frames: int = 600, sigma_angstrom: float = 0.25
) -> Trajectory:
    """A run in which some elements walk, once the bonds are settled, and all others tremble."""
    crystal = structure * REPEAT
    cell = crystal.lattice.matrix
    symbols = tuple(site.specie.symbol for site in crystal)
    rng = np.random.default_rng(31)
    moves: NDArray[np.float64] = rng.normal(scale=0.05, size=(frames, len(symbols), 3))
    chosen = np.isin(symbols, list(walking))
    walk = gaussian_walk(rng, frames - FIRST_FRAMES, int(chosen.sum()), sigma_angstrom)
    moves[FIRST_FRAMES:, chosen] += walk
    return Trajectory(
        fractional=crystal.frac_coords + moves @ np.linalg.inv(cell),
        cells=cell[None],
        symbols=symbols,
        frame_step_ps=STEP_PS,
        temperature_k=600.0,
    )


def report_of(structure: Structure, walking: Sequence[str]) -> TransportReport:
    options = AnalysisOptions(with_structure=False, with_density=False, with_kinisi=False)
    return analyse(run_of(structure, walking), options)


def test_bromide_of_octahedra_is_free_and_has_its_transport() -> None:
    report = report_of(yttrium_bromide(), ("Li", "Br"))
    assert report.polyanions == ""
    assert report.framework == "quietest sublattice: Y"
    assert report.rotation == ()
    bromide = next(s for s in report.species if s.name == "Br")
    assert bromide.diffusion.verdict == "diffusing"
    assert "bound_ligand" not in bromide.diffusion.flags
    for transports in (report.transport, report.transport_without_rotors):
        assert "Br" in transports[0].species


def test_bound_ligands_keep_their_displacements_and_are_named() -> None:
    """Chloride of AlCl4 is bound, as in the table; its MSD stands in the report all the same."""
    report = report_of(bundled("LiAlCl4"), ("Li",))
    assert report.polyanions == "AlCl4"
    chloride = next(s for s in report.species if s.name == "Cl")
    assert chloride.diffusion.verdict == "vibrating"
    assert "bound_ligand" in chloride.diffusion.flags
    assert chloride.msd.total[1:].min() > 0.0
    assert "Cl" in report.transport[0].species


def test_a_ligand_that_leaves_is_no_bound_ligand() -> None:
    report = report_of(bundled("LiAlCl4"), ("Li", "Cl"))
    assert report.rotation[0].verdict == "breaking"
    chloride = next(s for s in report.species if s.name == "Cl")
    assert chloride.diffusion.verdict == "diffusing"
    assert "bonds_break" in chloride.diffusion.flags
    assert "bound_ligand" not in chloride.diffusion.flags
    for transports in (report.transport, report.transport_without_rotors):
        assert "Cl" in transports[0].species


@pytest.mark.parametrize(
    ("name", "formula", "groups"),
    [
        ("Li3InCl6", "", {"Li", "In", "Cl"}),  # octahedra that exchange halide
        ("Li3OCl", "", {"Li", "O", "Cl"}),
        ("Li3PS4_gamma", "PS4", {"Li", "P", "S"}),
        ("Li2CO3", "CO3", {"Li", "C", "O"}),
        ("LiGaBr4", "GaBr4", {"Li", "Ga", "Br"}),
        ("LiTi2(PO4)3", "PO4", {"Li", "Ti", "P", "O"}),
    ],
)
def test_a_run_has_the_polyanions_of_its_structure(
    name: str, formula: str, groups: set[str]
) -> None:
    run = run_of(bundled(name), (), frames=FIRST_FRAMES + 2)
    polyanions = find_polyanions(run.fractional, run.mean_cell, run.symbols)
    assert polyanions.formula == formula
    assert set(ion_groups(run, polyanions)) == groups


ARGYRODITE = Structure.from_spacegroup(  # Li6PS5Cl, 10.1002/anie.200703900, lithium on 24g
    "F-43m", Lattice.cubic(9.859), ["Li", "P", "S", "S", "Cl"],
    [[0.25, 0.017, 0.75], [0, 0, 0.5], [0.25, 0.25, 0.25], [0.1188, -0.1188, 0.6188], [0, 0, 0]],
)  # fmt: skip


def test_free_and_bound_ions_of_one_element_are_groups_of_their_own() -> None:
    """Argyrodite: four sulfurs of five are bound to phosphorus."""
    run = run_of(ARGYRODITE, (), frames=FIRST_FRAMES + 2)
    polyanions = find_polyanions(run.fractional, run.mean_cell, run.symbols)
    groups = ion_groups(run, polyanions)
    assert polyanions.formula == "PS4"
    assert len(groups["S(bound)"]) == 4 * len(groups["S(free)"]) == 64
    assert len(groups["Cl"]) == 16


def test_an_element_is_an_anion_beside_what_it_attracts_electrons_from() -> None:
    """Sulfur (2.58 on Pauling's scale) stays an anion beside oxygen; alone with metals the most
    electronegative element is the anion, whatever its electronegativity."""
    assert _usual_charges(("Li", "P", "S", "O")) == {"Li": 1.0, "P": 5.0, "S": -2.0, "O": -2.0}
    assert _usual_charges(("Li", "P")) == {"Li": 1.0, "P": -3.0}
