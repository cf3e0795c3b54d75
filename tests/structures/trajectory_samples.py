"""One walk of four Li over four Cl, written as each program defines its file."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io.trajectory import Trajectory as AseWriter
from numpy.typing import NDArray

Array = NDArray[np.float64]

EDGE = 8.0
CELL = EDGE * np.eye(3)
SYMBOLS = ("Li",) * 4 + ("Cl",) * 4
STEP_FS = 2.0
BOHR = 0.529177210544
"""Å, CODATA 2022."""


def walk(frames: int = 24, seed: int = 5) -> Array:
    """Unwrapped positions, shape (frames, 8, 3), Å; the Li go, the Cl tremble."""
    rng = np.random.default_rng(seed)
    corners = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    start = EDGE * np.vstack([corners, (corners + 0.5) % 1.0])
    steps = rng.normal(scale=0.03, size=(frames, 8, 3))
    steps[:, 4:] *= 0.1
    return start + np.cumsum(steps, axis=0)


def folded(positions: Array) -> Array:
    """Positions in the cell, fractional."""
    return (positions / EDGE) % 1.0


def _rows(values: Array, form: str = "{:.8f}", blank: str = " ") -> list[str]:
    return [blank.join(form.format(x) for x in row) for row in values]


def xdatcar(positions: Array, *, glue: bool = False) -> str:
    """An XDATCAR; with ``glue`` a number that fills its field leaves no blank before it."""
    text = "LiCl\n 1.0\n 8.0 0.0 0.0\n 0.0 8.0 0.0\n 0.0 0.0 8.0\n Li Cl\n 4 4\n"
    for number, frame in enumerate(positions, start=1):
        values = frame / EDGE if glue else folded(frame)
        rows = ["".join(f"{x:12.8f}" for x in row) for row in values]
        if not glue:
            rows = _rows(values, " {:.8f}")
        text += f"Direct configuration={number:6d}\n" + "\n".join(rows) + "\n"
    return text


def varray(name: str, values: Array) -> str:
    """A named array of a vasprun.xml."""
    rows = "".join(f"<v> {row} </v>\n" for row in _rows(values))
    return f'<varray name="{name}">{rows}</varray>'


def structure(positions: Array, name: str = "") -> str:
    """A structure of a vasprun.xml."""
    head = f'<structure name="{name}">' if name else "<structure>"
    basis = varray("basis", CELL)
    return f"{head}<crystal>{basis}</crystal>{varray('positions', folded(positions))}</structure>"


def vasprun(
    positions: Array,
    tags: dict[str, object] | None = None,
    *,
    version: str = "6.4.3",
    learned: Sequence[int] = (),
    energies: Sequence[str] = (),
) -> str:
    """A vasprun.xml; the steps in ``learned`` are a force field's, outside of calculations."""
    values = {"POTIM": STEP_FS, "NSW": len(positions), "TEBEG": 700.0} | (tags or {})
    incar = "".join(f'<i name="{key}"> {value} </i>' for key, value in values.items())
    atoms = "".join(f"<rc><c>{s} </c><c> {1 + (s == 'Cl')}</c></rc>" for s in SYMBOLS)
    text = (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n<generator>'
        f'<i name="version" type="string">{version} </i></generator><incar>{incar}</incar>'
        f'<atominfo><array name="atoms"><set>{atoms}</set></array></atominfo>'
        + structure(positions[0], "initialpos")
    )
    for number, frame in enumerate(positions):
        energy = energies[number] if energies else "-30.5"
        body = structure(frame) + varray("forces", np.zeros((8, 3)))
        if number in learned:
            text += f'{body}<energy><i name="e_fr_energy">{energy}</i></energy>\n'
        else:
            text += (
                f'<calculation><scstep><energy><i name="e_wo_entrp">{energy}</i></energy></scstep>'
                f'{body}<energy><i name="e_fr_energy">{energy}</i>'
                f'<i name="e_wo_entrp">{energy}</i></energy></calculation>\n'
            )
    return text + structure(positions[-1], "finalpos") + "</modeling>\n"


def cp2k_xyz(positions: Array, steps: Sequence[int] | None = None) -> str:
    """CP2K's ``-pos-1.xyz`` (``motion_utils.F``: ``i = ``, ``time = `` in fs, ``E = ``)."""
    text = ""
    for place, frame in enumerate(positions):
        step = place if steps is None else steps[place]
        text += f"{len(SYMBOLS):8d}\n i = {step:8d}, time = {step * STEP_FS:12.3f}, "
        text += f"E = {-12.3:20.10f}\n"
        for symbol, row in zip(SYMBOLS, frame, strict=True):
            text += f"  {symbol} " + "".join(f"{x:20.10f}" for x in row) + "\n"
    return text


def cp2k_tables(path: Path, steps: Sequence[int], *, edge: float = EDGE) -> None:
    """``-1.cell`` and ``-1.ener`` beside a ``-pos-1`` file."""
    stem = path.with_name(path.name.partition("-pos-")[0])
    cell = f"{edge} 0 0 0 {edge} 0 0 0 {edge} {edge**3}"
    Path(f"{stem}-1.cell").write_text(
        "# Step Time\n" + "".join(f"{s} {s * STEP_FS:.3f} {cell}\n" for s in steps)
    )
    Path(f"{stem}-1.ener").write_text(
        "# Step Time\n"
        + "".join(f"{s} {s * STEP_FS:.6f} 0.01 {700 + s % 3} -12.3 -12.3 1.0\n" for s in steps)
    )


def dcd(
    positions: Array,
    title: str,
    *,
    timestep: float,
    interval: int = 1,
    cosines: bool = False,
    counted: int = 0,
    first_step: int = 0,
    order: str = "<",
) -> bytes:
    """A DCD: CP2K's with angles in degrees and no count, LAMMPS' with cosines and a count."""

    def record(data: bytes) -> bytes:
        mark = struct.pack(f"{order}i", len(data))
        return mark + data + mark

    integers = [counted, first_step, interval, *([0] * 7), 1, *([0] * 8), 24]
    control = bytearray(b"CORD" + struct.pack(f"{order}20i", *integers))
    control[40:44] = struct.pack(f"{order}f", timestep)
    titles = title.encode().ljust(80)[:80] + b"REMARKS".ljust(80)
    right = 0.0 if cosines else 90.0
    data = record(bytes(control)) + record(struct.pack(f"{order}i", 2) + titles)
    data += record(struct.pack(f"{order}i", positions.shape[1]))
    for frame in positions:
        data += record(struct.pack(f"{order}6d", EDGE, right, EDGE, right, right, EDGE))
        data += b"".join(record(axis.astype(f"{order}f4").tobytes()) for axis in frame.T)
    return data


def topology(path: Path) -> Path:
    """A structure file that names the atoms of a DCD."""
    Atoms(SYMBOLS, positions=walk(1)[0], cell=CELL, pbc=True).write(path, format="extxyz")
    return path


def extxyz(positions: Array, comments: Sequence[str], extra: Sequence[Array] = ()) -> str:
    """Extended XYZ; ``extra`` are velocities of each frame, as LAMMPS prints them."""
    text = ""
    for number, frame in enumerate(positions):
        columns = "species:S:1:pos:R:3" + (":vel:R:3" if extra else "")
        lattice = " ".join(str(x) for x in CELL.ravel())
        text += f'{len(SYMBOLS)}\n{comments[number]} Lattice="{lattice}" Properties={columns}\n'
        rows = _rows(folded(frame) * EDGE)
        if extra:
            rows = [" ".join(pair) for pair in zip(rows, _rows(extra[number]), strict=True)]
        text += "".join(f"{s} {row}\n" for s, row in zip(SYMBOLS, rows, strict=True))
    return text


def lammps_dump(
    positions: Array, *, unit: str = "", time: float = 0.0, scale: float = 1.0, every: int = 1
) -> str:
    """A text dump in shuffled order; lengths are Å over ``scale``, times ``time`` a frame."""
    rng = np.random.default_rng(2)
    text = f"ITEM: UNITS\n{unit}\n" if unit else ""
    for number, frame in enumerate(positions):
        if time:
            text += f"ITEM: TIME\n{number * time:.16g}\n"
        text += f"ITEM: TIMESTEP\n{number * every}\nITEM: NUMBER OF ATOMS\n{len(SYMBOLS)}\n"
        text += "ITEM: BOX BOUNDS pp pp pp\n" + f"0.0 {EDGE / scale:.16e}\n" * 3
        text += "ITEM: ATOMS id element x y z\n"
        rows = _rows(folded(frame) * EDGE / scale, "{:.12e}")
        for atom in rng.permutation(len(SYMBOLS)):
            text += f"{atom + 1} {SYMBOLS[atom]} {rows[atom]}\n"
    return text


def write_traj(path: Path, positions: Array) -> None:
    """An ASE trajectory with energies and momenta."""
    rng = np.random.default_rng(3)
    with AseWriter(str(path), "w") as writer:
        for number, frame in enumerate(positions):
            atoms = Atoms(SYMBOLS, scaled_positions=folded(frame), cell=CELL, pbc=True)
            atoms.info["time"] = STEP_FS * number
            atoms.set_momenta(rng.normal(size=(len(SYMBOLS), 3)))
            atoms.calc = SinglePointCalculator(atoms, energy=-30.5)
            writer.write(atoms)


def write_npz(path: Path, positions: Array) -> None:
    """Positions, cells and species as the shared data have them."""
    cells = np.repeat(CELL[None], len(positions), axis=0).astype(np.float32)
    places = folded(positions).astype(np.float32) * np.float32(EDGE)
    np.savez(path, positions=places, cells=cells, species=np.array(SYMBOLS))


def displacements(positions: Array) -> str:
    """What pymatgen's DiffusionAnalyzer writes, as far as it is read."""
    moved = (positions - positions[0]).transpose(1, 0, 2)
    sites = [
        {"xyz": place.tolist(), "species": [{"occu": 1, "element": s}]}
        for place, s in zip(positions[0], SYMBOLS, strict=True)
    ]
    return json.dumps(
        {
            "structure": {"lattice": {"matrix": CELL.tolist()}, "sites": sites},
            "displacements": moved.tolist(),
            "time_step": 1,
            "step_skip": 2,
            "temperature": 700,
        }
    )


def write_sound_files(folder: Path, frames: int) -> None:
    """A sound file of every format, and what lies beside some of them."""
    positions = walk(frames)
    (folder / "XDATCAR").write_text(xdatcar(positions))
    (folder / "XDATCAR.gz").write_bytes(gzip.compress(xdatcar(positions).encode()))
    (folder / "vasprun.xml").write_text(vasprun(positions, learned=range(4, 9)))
    (folder / "run-pos-1.xyz").write_text(cp2k_xyz(positions))
    title = "REMARK CORD DCD file created by CP2K version 2023.1"
    (folder / "run-pos-1.dcd").write_bytes(dcd(positions, title, timestep=STEP_FS))
    cp2k_tables(folder / "run-pos-1.xyz", range(frames))
    written = dcd(positions, "Written by LAMMPS", timestep=1.0, interval=2, counted=frames)
    (folder / "lammps.dcd").write_bytes(written)
    comments = [f"step={i} time={STEP_FS * i} energy=-3.5" for i in range(frames)]
    (folder / "run.extxyz").write_text(extxyz(positions, comments))
    (folder / "run.lammpstrj").write_text(lammps_dump(positions, unit="metal", time=0.002))
    write_traj(folder / "run.traj", positions)
    (folder / "run.traj.gz").write_bytes(gzip.compress((folder / "run.traj").read_bytes()))
    write_npz(folder / "run.npz", positions)
    (folder / "run.json").write_text(displacements(positions))
    topology(folder / "start.extxyz")
