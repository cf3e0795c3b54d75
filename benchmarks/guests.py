"""Guest anions in solid electrolytes, and how far interstitial barriers are from measured ones.

Hosts: every bundled Li compound whose anions are O, halides, or S (with halides), and the four best
conductors of each class in OBELiX's training set that are not bundled. Guests: I, Br, Cl, F. Nothing
is fitted. ``measured`` compares anion interstitials of their own salts with migration energies from
conductivities (``benchmarks/data/vacancy_migration.csv``).

    python benchmarks/guests.py hosts [--csv FILE] > docs table
    python benchmarks/guests.py measured
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _inputs import obelix_records, require_data, short_id
from pymatgen.core import Lattice, Structure

from dualion.screening.barrier_types import BarrierOptions, IonBarriers
from dualion.screening.barriers import ion_barriers
from dualion.screening.criterion import DaiCriterion
from dualion.screening.guests.barriers import guest_barriers
from dualion.screening.guests.guest_ions import guest_ions
from dualion.screening.guests.judge import GuestPair, guest_fits, screen_guest
from dualion.screening.ions import MobileIon, anions_of, mean_charge
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import StructureError
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.preparation import prepare

GUESTS = guest_ions(["I,Br,Cl,F"])
HALOGENS = frozenset({"F", "Cl", "Br", "I"})
CLASSES = ("sulfide", "halide", "oxide")
OF_OBELIX = 4
LITHIUM = 3
MEASURED = (
    ("CaF2", 5.463, "F", "0.78 to 0.92"),
    ("SrF2", 5.800, "F", "0.946"),
    ("BaF2", 6.200, "F", "0.714"),
    ("SrCl2", 6.979, "Cl", "0.76"),
)
"""Fluorites: compound, cubic cell edge in Å, anion, measured migration energy in eV."""


@dataclass(frozen=True)
class Host:
    """A host, its class, and where it is from."""

    name: str
    kind: str
    source: str
    crystal: IonicCrystal


def kind_of(crystal: IonicCrystal) -> str:
    """Class by the anions; empty for any other."""
    there = {ion.element for ion in anions_of(crystal)}
    if there == {"O"}:
        return "oxide"
    if there <= HALOGENS:
        return "halide"
    return "sulfide" if "S" in there and there <= HALOGENS | {"S"} else ""


def bundled() -> Iterator[Host]:
    for record in read_structures(reference_paths()):
        name = record.source_id.split("#")[-1]
        crystal = prepare(record.structure)
        if LITHIUM in crystal.numbers and (kind := kind_of(crystal)):
            yield Host(name, kind, "bundled", crystal)


def obelix(known: set[str]) -> Iterator[Host]:
    """The best conductors of each class whose composition is not there yet."""
    with (require_data() / "obelix" / "train.csv").open(newline="", encoding="utf-8") as handle:
        rows = {row["ID"]: row for row in csv.DictReader(handle)}
    sigma = {i: float(row["Ionic conductivity (S cm-1)"].lstrip("<")) for i, row in rows.items()}
    records = {short_id(record.source_id): record for record in obelix_records()}
    counts = dict.fromkeys(CLASSES, 0)
    for name in sorted(records, key=lambda i: (-sigma.get(i, 0.0), i)):
        formula = rows[name]["Reduced Composition"]
        if formula in known:
            continue
        try:
            crystal = prepare(records[name].structure)
        except StructureError:
            continue
        kind = kind_of(crystal)
        if kind and counts[kind] < OF_OBELIX and LITHIUM in crystal.numbers:
            counts[kind] += 1
            known.add(formula)
            yield Host(f"{formula} ({name})", kind, "OBELiX", crystal)


def hosts() -> list[Host]:
    found = list(bundled())
    known = {host.name.partition("_")[0] for host in found}
    found += obelix(known)
    return sorted(found, key=lambda host: (CLASSES.index(host.kind), host.source, host.name))


def triple(values) -> str:
    return " / ".join("–" if math.isnan(v) else f"{v:.2f}" for v in values)


def measure(host: Host) -> tuple[IonBarriers, list[GuestPair | str]]:
    """The host's Li barriers and its guests; refined barriers of both are judged."""
    lithium = MobileIon(LITHIUM, mean_charge(host.crystal, LITHIUM))
    on_grid = ion_barriers(host.crystal, lithium, BarrierOptions())
    of_cation = dataclasses.replace(on_grid, barriers_ev=on_grid.refined_ev)
    found: list[GuestPair | str] = []
    for guest in GUESTS:
        pair = screen_guest(host.crystal, guest, (lithium, of_cation), DaiCriterion())
        found.append(pair if isinstance(pair, GuestPair) else pair.reason)
    return of_cation, found


def print_hosts(table: Path | None) -> None:
    """One row a host, medians by class, and every number into a CSV."""
    lines, every = [], []
    start = time.perf_counter()
    for host in hosts():
        of_cation, pairs = measure(host)
        cells = []
        for pair in pairs:
            if isinstance(pair, str):
                cells.append(pair)
                continue
            every.append((host, of_cation, pair))
            cells.append(cell(pair))
        lithium = f"{of_cation.barriers_ev[2]:.2f}"
        lines.append(f"| {host.name} | {host.kind} | {lithium} | {' | '.join(cells)} |")
    print("| host | class | Li⁺ | I⁻ | Br⁻ | Cl⁻ | F⁻ |\n|---|---|---|---|---|---|---|")
    print("\n".join(lines))
    print(f"\n{len(lines)} hosts, {len(every)} pairs, {time.perf_counter() - start:.0f} s")
    print_medians(every)
    print_ends(every)
    if table is not None:
        write_csv(table, every)


def cell(pair: GuestPair) -> str:
    """E_3D in place (removed), insertion; bold where it passes, struck where it does not fit."""
    guest = pair.guest
    text = (
        f"{guest.in_place.barriers_ev[2]:.2f} ({guest.removed.barriers_ev[2]:.2f}), "
        f"{guest.insertion_ev:.2f}".replace("nan", "–")
    )
    if pair.verdict.dai:
        return f"**{text}**"
    return text if guest_fits(guest.room.share, guest.insertion_ev) else f"*{text}*"


def print_medians(every) -> None:
    print(
        "\n| class | guest | n | fits | E_3D in place | rigid | removed | insertion | share | DAI |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for kind in CLASSES:
        for ion in GUESTS:
            chosen = [p for host, _, p in every if host.kind == kind and p.guest.guest == ion]
            fits = sum(guest_fits(p.guest.room.share, p.guest.insertion_ev) for p in chosen)
            columns = [
                [p.guest.in_place.barriers_ev[2] for p in chosen],
                [p.guest.in_place.rigid_ev[2] for p in chosen],
                [p.guest.removed.barriers_ev[2] for p in chosen],
                [p.guest.insertion_ev for p in chosen],
                [p.guest.room.share for p in chosen],
            ]
            medians = " | ".join(f"{np.nanmedian(values):.2f}" for values in columns)
            passed = sum(p.verdict.dai for p in chosen)
            print(f"| {kind} | {ion} | {len(chosen)} | {fits} | {medians} | {passed} |")


def print_ends(every) -> None:
    """How often the barriers with the cations in place are the higher ones."""
    for name, values in (
        ("rigid", [(p.guest.in_place.rigid_ev, p.guest.removed.rigid_ev) for *_, p in every]),
        ("giving way",
         [(p.guest.in_place.barriers_ev, p.guest.removed.barriers_ev) for *_, p in every]),
    ):  # fmt: skip
        for n in range(3):
            known = [(a[n], b[n]) for a, b in values if np.isfinite(a[n]) and np.isfinite(b[n])]
            higher = sum(a > b for a, b in known)
            print(f"{name}, {n + 1}D: in place is higher in {higher} of {len(known)}")


def write_csv(path: Path, every) -> None:
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(
            ["host", "class", "source", "guest"]
            + [f"e{n}d_cation_ev" for n in (1, 2, 3)]
            + [f"e{n}d_{end}_ev" for end in ("in_place", "in_place_rigid", "removed",
                                             "removed_rigid") for n in (1, 2, 3)]
            + ["insertion_ev", "insertion_rigid_ev", "room_angstrom", "share", "nearest",
               "nearest_angstrom", "dai", "flags"]
        )  # fmt: skip
        for host, cation, pair in every:
            g = pair.guest
            numbers = [*cation.barriers_ev, *g.in_place.barriers_ev, *g.in_place.rigid_ev,
                       *g.removed.barriers_ev, *g.removed.rigid_ev, g.insertion_ev,
                       g.insertion_rigid_ev, g.room.radius_angstrom, g.room.share]  # fmt: skip
            writer.writerow(
                [host.name, host.kind, host.source, str(g.guest)]
                + [f"{value:.3f}" for value in numbers]
                + [g.room.nearest_element, f"{g.room.nearest_angstrom:.3f}", pair.verdict.dai,
                   ";".join(pair.flags)]
            )  # fmt: skip


def print_measured() -> None:
    print("| interstitial | measured / eV | host gives way | host at rest |\n|---|---|---|---|")
    for name, edge, anion, measured in MEASURED:
        metal = name.removesuffix(f"{anion}2")
        sites = [[0, 0, 0], [0.25, 0.25, 0.25]]
        salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(edge), [metal, anion], sites)
        crystal = prepare(salt)
        ion = next(ion for ion in anions_of(crystal) if ion.element == anion)
        z = next(int(z) for z in crystal.numbers[crystal.charges > 0])
        found = guest_barriers(crystal, ion, MobileIon(z, mean_charge(crystal, z)))
        deciding, rigid = found.in_place.barriers_ev[2], found.in_place.rigid_ev[2]
        print(f"| {anion}⁻ in {name} | {measured} | {deciding:.2f} | {rigid:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("hosts", "measured"))
    parser.add_argument("--csv", type=Path, help="also write every number there")
    asked = parser.parse_args()
    if asked.what == "hosts":
        print_hosts(asked.csv)
    else:
        print_measured()


if __name__ == "__main__":
    main()
