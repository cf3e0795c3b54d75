"""Barriers of the golden rows by another way: no code of this project but the bundled files.

    python benchmarks/golden_reference.py LiCl Li3OCl

Reads a bundled CIF with pymatgen, sums the pair energies of docs/method.md over all images within
10 Å (parameters straight from bvlain's tables, covalent radii from ASE), and finds the percolation
thresholds by bisection: scipy labels the region below a level in a periodic 3 × 3 × 3 cover, and a
point that shares its region with 3, 9 or 27 of its images percolates in 1, 2 or 3 dimensions. The
grid is that of the tables, so that the figures must agree to the bisection's step of 0.1 meV.
Prints the global instability index and, for each ion, E_1D, E_2D, E_3D in eV above the minimum of the whole field and above the
minimum of the percolating region. tests/results/test_golden_rows.py holds the figures.
"""

from __future__ import annotations

import argparse
import itertools
import pickle
import warnings
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from ase.data import covalent_radii
from scipy.ndimage import label
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.special import erfc

REFERENCE = Path(__file__).resolve().parents[1] / "structures" / "reference"
BVLAIN = Path(find_spec("bvlain").submodule_search_locations[0]) / "data"
CUTOFF_ANGSTROM = 10.0
CUT_EV = 5.0
"""No level above this is tried."""
EVERY_NEIGHBOUR = np.ones((3, 3, 3), dtype=int)


@cache
def table(name: str) -> dict:
    """A table of the installed bvlain package."""
    with (BVLAIN / name).open("rb") as handle:
        return pickle.load(handle)


def structure_of(name: str):
    """The bundled structure as pymatgen reads it."""
    from pymatgen.core import Structure

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Structure.from_file(REFERENCE / f"{name}.cif")


def instability_index(name: str) -> float:
    """Global instability index over bonds of up to 6 Å, occupancies as weights, valence units."""
    structure = structure_of(name)
    squares, weights = 0.0, 0.0
    for site, around in zip(structure, structure.get_all_neighbors(6.0), strict=True):
        for kind, amount in site.species.items():
            total = 0.0
            for neighbour in around:
                for other, share in neighbour.species.items():
                    if kind.oxi_state * other.oxi_state < 0:
                        cation, anion = sorted((kind, other), key=lambda k: -k.oxi_state)
                        row = table("cation.pkl")[cation.Z][int(cation.oxi_state)]
                        entry = row[anion.Z][int(anion.oxi_state)]
                        bond = entry["alpha"] * (entry["r0"] - neighbour.nn_distance)
                        total += share * np.exp(bond)
            squares += amount * (total - abs(kind.oxi_state)) ** 2
            weights += amount
    return float(np.sqrt(squares / weights))


def sites_of(name: str) -> tuple[np.ndarray, list[tuple[np.ndarray, int, float, float]]]:
    """Cell, and fractional place, atomic number, charge, occupancy of each species on each site."""
    structure = structure_of(name)
    return structure.lattice.matrix, [
        (site.frac_coords, kind.Z, float(kind.oxi_state), float(amount))
        for site in structure
        for kind, amount in site.species.items()
    ]


def pair_energy(ion: tuple[int, float], other: tuple[int, float], r: np.ndarray) -> np.ndarray:
    """Pair energy in eV: Morse between opposite charges, screened Coulomb between like ones."""
    (z1, q1), (z2, q2) = ion, other
    if q1 * q2 > 0:
        n, radii = table("quantum_n.pkl"), covalent_radii[z1] + covalent_radii[z2]
        return 14.4 * q1 * q2 / np.sqrt(n[z1] * n[z2]) / r * erfc(r / (0.74 * radii))
    cation, anion = ((z1, q1), (z2, q2)) if q1 > 0 else ((z2, q2), (z1, q1))
    by_anion = table("cation.pkl")[cation[0]][int(cation[1])]
    entry = by_anion[anion[0]][int(anion[1])]
    grown = np.exp(entry["alpha"] * (entry["r_min"] - r)) - 1.0
    return entry["d0"] / 2.0 * (grown**2 - 1.0)


def count_of(smallest: float) -> int:
    """The even product of 2, 3 and 5 from a number on, as the tables' grids have it."""
    return next(
        n
        for n in itertools.count(int(np.ceil(smallest)))
        if n % 2 == 0 and 30**n % n == 0  # no other prime divides it
    )


def field(name: str, element: int, spacing: float) -> np.ndarray:
    """Site energy of an element's ion on a periodic grid, eV."""
    cell, sites = sites_of(name)
    ion = next((z, q) for _, z, q, _ in sites if z == element)
    shape = [count_of(length / spacing) for length in np.linalg.norm(cell, axis=1)]
    axes = np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij")
    points = np.stack(axes, axis=-1).reshape(-1, 3) @ cell
    planes = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    reach = [range(-n, n + 1) for n in np.ceil(CUTOFF_ANGSTROM / planes).astype(int)]
    middle = points.mean(axis=0)
    farthest = CUTOFF_ANGSTROM + np.linalg.norm(points - middle, axis=1).max()
    energies = np.zeros(len(points))
    for frac, z, q, amount in sites:
        if z == element:
            continue
        for image in itertools.product(*reach):
            place = (frac + image) @ cell
            if np.linalg.norm(place - middle) > farthest:
                continue
            near = np.flatnonzero(((points - place) ** 2).sum(axis=1) < CUTOFF_ANGSTROM**2)
            r = np.linalg.norm(points[near] - place, axis=1).clip(0.3)
            energies[near] += amount * pair_energy(ion, (z, q), r)
    return energies.reshape(shape)


def regions(inside: np.ndarray) -> np.ndarray:
    """Region of each point of the periodic 3 × 3 × 3 cover, shape (27, points); 0 outside."""
    cover = np.pad(np.tile(inside, (3, 3, 3)), 1, mode="wrap")
    found, count = label(cover, structure=EVERY_NEIGHBOUR)
    core = found[1:-1, 1:-1, 1:-1]
    wrapped = np.pad(core, 1, mode="wrap")
    codes = np.unique(found[cover].astype(np.int64) * (count + 1) + wrapped[cover])
    pairs = np.divmod(codes, count + 1)
    links = coo_matrix((np.ones(len(codes)), pairs), shape=(count + 1, count + 1))
    _, joined = connected_components(links, directed=False)
    joined = np.where(np.arange(count + 1) == 0, -1, joined)[core] + 1
    nx, ny, nz = inside.shape
    blocks = joined.reshape(3, nx, 3, ny, 3, nz).transpose(0, 2, 4, 1, 3, 5)
    return blocks.reshape(27, -1)


def percolating(energies: np.ndarray, level: float, dimension: int) -> np.ndarray:
    """Points of regions that connect to at least 3^dimension of their images."""
    inside = energies <= level
    blocks = regions(inside)
    images = (blocks == blocks[13]).sum(axis=0)
    return inside.ravel() & (images >= 3**dimension)


def thresholds(energies: np.ndarray) -> list[tuple[float, float]]:
    """For 1D, 2D, 3D: the threshold above the field's minimum, and above its region's, eV."""
    lowest = float(energies.min())
    found = []
    for dimension in (1, 2, 3):
        low, high = lowest, lowest + CUT_EV
        if not percolating(energies, high, dimension).any():
            found.append((np.inf, np.inf))
            continue
        while high - low > 1e-4:
            middle = (low + high) / 2.0
            if percolating(energies, middle, dimension).any():
                high = middle
            else:
                low = middle
        inside = percolating(energies, high, dimension)
        found.append((high - lowest, high - float(energies.ravel()[inside].min())))
    return found


def main() -> None:
    """Print the thresholds of every ion of the structures named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+")
    parser.add_argument("--spacing", type=float, default=0.2)
    asked = parser.parse_args()
    for name in asked.names:
        print(name, "GII", round(instability_index(name), 4))
        _, sites = sites_of(name)
        anions = {z for _, z, q, _ in sites if q < 0}
        for element in sorted({3} | anions):
            found = thresholds(field(name, element, asked.spacing))
            print(name, element, [(round(a, 4), round(b, 4)) for a, b in found], flush=True)


if __name__ == "__main__":
    main()
