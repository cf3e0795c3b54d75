"""Barriers of Li+ hops with one potential beside the way of ``ions`` 0.5.1: same hops, same barriers?

For seeded structures of the Materials Project rows with small cells and few hops, the crystal is
relaxed once with the potential; every distinct hop of ``dualion neb`` is then computed twice in the
same supercell: by ours, and by the peer's images (one site emptied, a straight line) in ASE's
climbing-image band, plainly: both ends relaxed for each hop, one image a call.

    pip install ions==0.5.1
    python neb_against_ions.py ROWS.jsonl.gz FOLDER [--count 10] [--seed 1] [--engine chgnet]

What the folder holds is not computed again.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from _peer_hops import LITHIUM, JsonLines, hop_counts, plain_atoms, shuffled_rows
from ase.mep import NEB
from ase.optimize import FIRE
from ions.edge import Edge

from dualion.screening.hops.vacancy import vacancy_hops
from dualion.structures.crystal import IonicCrystal
from dualion.structures.entry import prepare_entry
from dualion.structures.errors import DualionError
from dualion.structures.symmetry import primitive_crystal
from dualion.workflows.doping.relaxation import RelaxOptions, relax
from dualion.workflows.neb.band import BandOptions
from dualion.workflows.neb.cell import hop_cell
from dualion.workflows.neb.folder import NebFolder
from dualion.workflows.neb.forces import Potential, make_potential, release_memory
from dualion.workflows.neb.hop_barriers import HopCalculation

WIDTH_ANGSTROM, MOST_ATOMS = 8.0, 80
MOST_SITES, MOST_HOPS = 12, 3
AGREE_EV = 0.02


def main() -> None:
    """Compute what the folder lacks; print a line a hop, and the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", default="chgnet")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    cache = JsonLines(arguments.folder / "hops.jsonl")
    potential = make_potential(arguments.engine, device="cpu")
    done = 0
    for entry in shuffled_rows(arguments.rows, arguments.seed):
        if done == arguments.count:
            break
        crystal = _small_crystal(entry)
        if crystal is not None:
            name = entry.source_id.rsplit("#", 1)[-1]
            done += _compared(name, crystal, potential, arguments.folder / name, cache)
    _summarise([one for one in cache if "ours_ev" in one])


def _small_crystal(entry: Any) -> IonicCrystal | None:
    """The primitive crystal, if it is small, ordered, and has few hops in small cells."""
    try:
        crystal = primitive_crystal(prepare_entry(entry).crystal)
        if crystal.is_disordered or len(crystal.numbers) > MOST_SITES:
            return None
        if len(vacancy_hops(crystal, LITHIUM).hops.chosen) > MOST_HOPS:
            return None
        hop_cell(crystal, LITHIUM, most_atoms=MOST_ATOMS, smallest_width_angstrom=WIDTH_ANGSTROM)
    except DualionError:
        return None
    return crystal


def _compared(
    name: str, crystal: IonicCrystal, potential: Potential, path: Path, cache: JsonLines
) -> bool:
    """Compare one structure; False where the potential cannot relax it."""
    try:
        host = _relaxed(crystal, potential, NebFolder(path))
        cell = hop_cell(host, LITHIUM, most_atoms=MOST_ATOMS,
                        smallest_width_angstrom=WIDTH_ANGSTROM)  # fmt: skip
    except DualionError as error:
        print(f"{name}: {error}")
        return False
    found = vacancy_hops(host, LITHIUM)
    ours = HopCalculation(cell, found.hops, potential, BandOptions(),
                          saddles_frac=found.energies.saddles_frac)  # fmt: skip
    print(f"{name} {plain_atoms(host).get_chemical_formula()}: {hop_counts(host, found.hops)}")
    for number in range(len(found.hops.chosen)):
        key = f"{name} hop {number}"
        if key not in cache:
            cache.add(key, _both(ours, number, potential))
        _tell(cache[key])
    return True


def _relaxed(crystal: IonicCrystal, potential: Potential, folder: NebFolder) -> IonicCrystal:
    folder.path.mkdir(parents=True, exist_ok=True)
    if folder.host() is None:
        options = RelaxOptions(force_ev_angstrom=0.01)
        folder.save_host(relax(crystal, potential.calculator, options).crystal, {})
    known = folder.host()
    assert known is not None
    return known[0]


def _both(ours: HopCalculation, number: int, potential: Potential) -> dict[str, Any]:
    calls, began = potential.calls, time.perf_counter()
    mine = ours.barrier(number)
    seconds = time.perf_counter() - began
    record: dict[str, Any] = {
        "ours": {"ev": mine.rises_ev[0], "force": mine.largest_force_ev_angstrom,
                 "seconds": seconds, "band_calls": potential.calls - calls, "flags": mine.flags,
                 "reason": mine.reason, "atoms": len(ours.cell.large.numbers) - 1,
                 "energies_ev": mine.energies_ev,
                 "ends_ev": [end.energy_ev for end in ours.ends.values()]},
        "theirs": _peer_barrier(_peer_edge(ours, number), potential),
    }  # fmt: skip
    release_memory()
    if np.isfinite([mine.rises_ev[0], record["theirs"]["ev"]]).all():
        record["ours_ev"] = mine.rises_ev[0]
    return record


def _peer_edge(ours: HopCalculation, number: int) -> Edge:
    """The hop as the peer's edge in our supercell."""
    cell, hops = ours.cell, ours.hops
    row = int(hops.chosen[number])
    begin = cell.sites.frac[hops.near[row]]
    end = cell.sites.frac[hops.far[row]] + hops.cells[row]
    source, target = (int(cell.own[cell.site_at(place)]) for place in (begin, end))
    way = (end - begin) @ cell.unit.cell @ np.linalg.inv(cell.large.cell)
    offset = cell.large.frac[source] + way - cell.large.frac[target]
    return Edge(plain_atoms(cell.large), source, target, np.round(offset).astype(int))


def _peer_barrier(edge: Edge, potential: Potential) -> dict[str, Any]:
    """Barrier by the peer's images in ASE's band, with limits as ours."""
    options = BandOptions()
    began = time.perf_counter()
    images = edge.interpolate(n_images=options.images + 2, center=True)
    for image in images:
        image.calc = potential.calculator
    for end in (images[0], images[-1]):
        FIRE(end, logfile=None).run(options.end_force_ev_angstrom, options.most_steps)
    band = NEB(
        images, climb=True, k=options.spring_ev_square, allow_shared_calculator=True,
        method="improvedtangent",
    )  # fmt: skip
    FIRE(band, logfile=None).run(options.force_ev_angstrom, options.most_steps)
    energies = [float(image.get_potential_energy()) for image in images]
    force = float(np.linalg.norm(band.get_forces().reshape(-1, 3), axis=1).max())
    return {
        "ev": max(energies) - energies[0],
        "force": force,
        "seconds": time.perf_counter() - began,
        "atoms": len(images[0]),
        "energies_ev": energies,
    }


def _tell(one: dict[str, Any]) -> None:
    parts = [
        f"{who} {one[who]['ev']:.3f} eV (force {one[who]['force']:.3f}, {one[who]['atoms']} atoms, "
        f"{one[who]['seconds']:.0f} s)"
        for who in ("ours", "theirs")
    ]
    print(f"  {'; '.join(parts)} {one['ours']['reason']}", flush=True)


def _summarise(hops: list[dict[str, Any]]) -> None:
    if not hops:
        return
    apart = np.array([abs(one["ours_ev"] - one["theirs"]["ev"]) for one in hops])
    mine, theirs = (sum(one[who]["seconds"] for one in hops) for who in ("ours", "theirs"))
    print(f"{len(hops)} hops: {np.sum(apart <= AGREE_EV)} within {AGREE_EV} eV, median "
          f"{np.median(apart):.3f}, largest {apart.max():.3f} eV; {mine:.0f} s and {theirs:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()
