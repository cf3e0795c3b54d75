"""A program that behaves like VASP toward files, for tests: a harmonic crystal, leapfrog.

It reads INCAR, POSCAR and STOPCAR of its folder and writes CONTCAR, XDATCAR, OSZICAR and
vasprun.xml in VASP's formats. FAKE_VASP (JSON in the environment) holds the sites, the stiffness,
and how it is to fail.
"""

import json
import os
import re
import signal
import sys
import time
from pathlib import Path

import numpy as np

EV_PER_ANGSTROM_AMU = 0.00964853322  # eV/(Å amu) in Å/fs²
KB = 8.617333262e-5
MASS = {"Li": 6.94, "I": 126.90447}


def incar():
    pairs = (line.split("=", 1) for line in Path("INCAR").read_text().splitlines() if "=" in line)
    return {key.strip().upper(): value.strip() for key, value in pairs}


def poscar():
    rows = Path("POSCAR").read_text().splitlines()
    cell = float(rows[1]) * np.array([r.split() for r in rows[2:5]], float)
    kinds, counts = rows[5].split(), [int(n) for n in rows[6].split()]
    n = sum(counts)
    x = np.array([r.split()[:3] for r in rows[8 : 8 + n]], float)
    v = np.array([r.split()[:3] for r in rows[9 + n : 9 + 2 * n]], float)
    rest = [r for r in rows[9 + 2 * n :] if r.strip()]
    return cell, kinds, counts, x, v, rest


def head(cell, kinds, counts):
    lattice = "".join("   " + "".join(f"{c:12.6f}" for c in row) + "\n" for row in cell)
    return (
        "fake\n           1\n"
        + lattice
        + "   "
        + "   ".join(kinds)
        + "\n   "
        + "   ".join(map(str, counts))
        + "\n"
    )


def contcar(cell, kinds, counts, x, v, dt):
    lattice = "".join("    " + "".join(f"{c:22.16f}" for c in row) + "\n" for row in cell)
    text = "fake\n   1.00000000000000\n" + lattice
    text += "   " + "   ".join(kinds) + "\n" + "".join(f"{n:6d}" for n in counts) + "\nDirect\n"
    text += "".join("".join(f"{c:20.16f}" for c in row) + "\n" for row in x % 1.0)
    text += "\n" + "".join("".join(f"{c:16.8E}" for c in row) + "\n" for row in v)
    # the predictor: initialised, time step, Nose variables, then three blocks
    text += "\n" + f"{1:12d}\n{dt:16.8E}\n" + "".join(f"{c:16.8E}" for c in (1, 0, 0, 0)) + "\n"
    return text + "".join("".join(f"{c:16.8E}" for c in row) + "\n" for row in np.tile(v, (3, 1)))


def varray(name, rows):
    inner = "".join("    <v>" + "".join(f"{c:17.8f}" for c in row) + " </v>\n" for row in rows)
    return f'   <varray name="{name}" >\n{inner}   </varray>\n'


def structure(cell, x, name=""):
    tag = f' name="{name}"' if name else ""
    return (
        f"  <structure{tag} >\n   <crystal>\n"
        + varray("basis", cell)
        + f'    <i name="volume"> {abs(np.linalg.det(cell)):.8f} </i>\n   </crystal>\n'
        + varray("positions", x % 1.0)
        + "  </structure>\n"
    )


def xml_head(tags, cell, kinds, counts, x):
    atoms = "".join(
        f"    <rc><c>{kind:<2}</c><c>{place:4d}</c></rc>\n"
        for place, (kind, count) in enumerate(zip(kinds, counts, strict=True), start=1)
        for _ in range(count)
    )
    items = "".join(
        f'  <i name="{key}"> {tags[key]} </i>\n' for key in ("POTIM", "NSW", "TEBEG", "NBLOCK")
    )
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n <generator>\n'
        '  <i name="program" type="string">vasp </i>\n </generator>\n'
        f" <incar>\n{items} </incar>\n <parameters>\n{items} </parameters>\n <atominfo>\n"
        f'  <atoms> {sum(counts)} </atoms>\n  <array name="atoms" >\n   <set>\n{atoms}   </set>\n'
        "  </array>\n </atominfo>\n" + structure(cell, x, "initialpos")
    )


def calculation(cell, x, forces, energy, kinetic):
    block = "".join(
        f'   <i name="{name}"> {value:16.8f} </i>\n'
        for name, value in (
            ("e_fr_energy", energy),
            ("e_wo_entrp", energy),
            ("e_0_energy", energy),
            ("kinetic", kinetic),
            ("total", energy + kinetic),
        )
    )
    return (
        f" <calculation>\n  <scstep>\n  <energy>\n{block}  </energy>\n  </scstep>\n"
        + structure(cell, x)
        + varray("forces", forces)
        + f"  <energy>\n{block}  </energy>\n </calculation>\n"
    )


def main():
    given = json.loads(os.environ["FAKE_VASP"])
    mode, at = given.get("mode", ""), given.get("at", 0)
    if mode == "garbage":
        for name in ("CONTCAR", "XDATCAR", "OSZICAR", "vasprun.xml"):
            Path(name).write_bytes(bytes(range(256)) * 40)
        return 0
    if mode == "error":
        print(" Error EDDDAV: Call to ZHEGV failed. Returncode =  10 1  8")
        return 1
    if mode == "full":
        print("forrtl: No space left on device")
        return 1
    tags = incar()
    cell, kinds, counts, x, v, rest = poscar()
    dt, steps = float(tags["POTIM"]), int(tags["NSW"])
    masses = np.repeat([MASS[k] for k in kinds], counts)[:, None]
    sites = np.array(given["sites"])
    n = len(sites)
    if rest and len(rest) != 3 + 3 * n:
        print("the predictor's lines are incomplete")
        return 1
    xml, xdatcar, oszicar = (
        Path(name).open("w")  # noqa: SIM115
        for name in ("vasprun.xml", "XDATCAR", "OSZICAR")
    )
    xml.write(xml_head(tags, cell, kinds, counts, x))
    xdatcar.write(head(cell, kinds, counts))
    for number in range(1, steps + 1):
        away = x - sites
        away = (away - np.round(away)) @ cell
        forces = -given["stiffness"] * away
        energy = -4.0 * n + 0.5 * given["stiffness"] * float((away**2).sum())
        kick = forces / masses * EV_PER_ANGSTROM_AMU * dt
        started = bool(rest) or number > 1
        v_next = v + (kick if started else 0.5 * kick)
        kinetic = 0.5 * float((masses * v_next**2).sum()) / EV_PER_ANGSTROM_AMU
        temperature = 2.0 * kinetic / (3 * n - 3) / KB
        oszicar.write(
            f"DAV:   1    {energy:18.12E}   -0.1E-04   -0.1E-05   100   0.1E-02\n"
            f"{number:7d} T={temperature:6.0f}. E= {energy + kinetic:.8E} F= {energy:.8E} "
            f"E0= {energy:.8E}  EK= {kinetic:.8E} SP= 0.00E+00 SK= 0.00E+00\n"
        )
        body = calculation(cell, x, forces, energy, kinetic)
        dying = mode == "killed" and number == at
        xml.write(body[: len(body) // 2] if dying else body)
        if number % int(tags["NBLOCK"]) == 0:
            rows = "".join("".join(f"{c:12.8f}" for c in row) + "\n" for row in x % 1.0)
            block = f"Direct configuration={number:6d}\n{rows}"
            xdatcar.write(block[: len(block) // 3] if dying else block)
        x, v = x + dt * v_next @ np.linalg.inv(cell), v_next
        Path("CONTCAR").write_text(contcar(cell, kinds, counts, x, v, dt))
        for handle in (xml, xdatcar, oszicar):
            handle.flush()
        if dying:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(given.get("pause_s", 0.0))
        stop = Path("STOPCAR")
        if stop.is_file() and re.search(r"LSTOP\s*=\s*\.T", stop.read_text()):
            break
    xml.write(structure(cell, x, "finalpos") + "</modeling>\n")
    for handle in (xml, xdatcar, oszicar):
        handle.close()
    return 0


sys.exit(main())
