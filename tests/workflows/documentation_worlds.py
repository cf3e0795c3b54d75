"""The folders that the documentation's pages speak of, made small enough to run in seconds."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from documentation import ROOT, blocks
from numpy.typing import NDArray
from source_servers import icsd_cif

from dualion.screening.screen_options import ScreenOptions
from dualion.structures.files import reference_paths
from dualion.workflows.campaign.screen_run import screen_paths

SYMBOLS = ["Li"] * 6 + ["P"] * 2 + ["S"] * 8 + ["I"] * 4
SIDE_ANGSTROM = 11.0


def copies(folder: Path, *names: str) -> list[Path]:
    """Bundled structures, copied."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [path for path in reference_paths() if path.stem in names]
    return [Path(shutil.copy(path, folder)) for path in found]


def finished_run(folder: Path) -> None:
    """A run with candidates, its structures beside it."""
    inputs = copies(folder.parent / "structures", "LiI", "LiGaBr4")
    screen_paths(inputs, ScreenOptions(), output=folder, workers=1)


def walk(frames: int, seed: int, spread: float = 0.25) -> NDArray[np.float64]:
    """Wrapped fractional positions, shape (frames, 20, 3): lithium walks, the rest vibrates."""
    rng = np.random.default_rng(seed)
    places = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    start = (places[: len(SYMBOLS)] + 0.5) / 3.0 * SIDE_ANGSTROM
    moved = rng.normal(scale=0.08, size=(frames, len(SYMBOLS), 3))
    steps = rng.normal(scale=spread, size=(frames, SYMBOLS.count("Li"), 3))
    moved[:, : SYMBOLS.count("Li")] = np.cumsum(steps, axis=0)
    return (start + moved) / SIDE_ANGSTROM % 1.0


def xdatcar(path: Path, frames: int = 300, seed: int = 0) -> None:
    """A trajectory as VASP writes it."""
    kinds = list(dict.fromkeys(SYMBOLS))
    counts = [str(SYMBOLS.count(kind)) for kind in kinds]
    cell = "\n".join(" ".join(f"{x:.6f}" for x in row) for row in SIDE_ANGSTROM * np.eye(3))
    text = f"made\n1.0\n{cell}\n{' '.join(kinds)}\n{' '.join(counts)}\n"
    for number, frame in enumerate(walk(frames, seed), start=1):
        text += f"Direct configuration= {number}\n"
        text += "".join(" ".join(f"{x:.8f}" for x in row) + "\n" for row in frame)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def ase_trajectory(path: Path, frame_step_fs: float, frames: int = 200, seed: int = 0) -> None:
    """A trajectory as ASE writes it, the time of each frame in its info."""
    from ase import Atoms
    from ase.io import write

    cell = SIDE_ANGSTROM * np.eye(3)
    images = [
        Atoms(SYMBOLS, scaled_positions=frame, cell=cell, pbc=True, info={"time": number * step})
        for step in [frame_step_fs]
        for number, frame in enumerate(walk(frames, seed))
    ]
    write(path, images)


def cp2k_positions(folder: Path, project: str, symbols: list[str], frames: int = 250) -> None:
    """Positions and cell as CP2K's MD writes them, a frame every 100 fs."""
    chosen = [SYMBOLS.index(name) + symbols[:at].count(name) for at, name in enumerate(symbols)]
    text = ""
    for number, frame in enumerate(walk(frames, 3)[:, chosen]):
        text += f"{len(symbols)}\n i = {number}, time = {100.0 * number:.3f}, E = -1.0\n"
        rows = zip(symbols, SIDE_ANGSTROM * frame, strict=True)
        text += "".join(f"{s} " + " ".join(f"{x:.8f}" for x in row) + "\n" for s, row in rows)
    (folder / f"{project}-pos-1.xyz").write_text(text)
    side = f"{SIDE_ANGSTROM:.6f}"
    cell = f"{side} 0 0 0 {side} 0 0 0 {side} {SIDE_ANGSTROM**3:.3f}"
    head = "#   Step   Time [fs]   Ax Ay Az   Bx By Bz   Cx Cy Cz [Angstrom]   Volume\n"
    lines = "".join(f"{n} {100.0 * n:.3f} {cell}\n" for n in range(frames))
    (folder / f"{project}-1.cell").write_text(head + lines)


def icsd_export(folder: Path) -> None:
    """Two entries as the ICSD exports them."""
    folder.mkdir()
    (folder / "one.cif").write_text(icsd_cif(100, extra="_diffrn_ambient_temperature 293\n"))
    (folder / "two.cif").write_text(icsd_cif(101, lattice_angstrom=5.1, anion="Cl"))


def readme(here: Path) -> None:
    copies(here / "cifs", "NaCl", "LiI")
    copies(here / "icsd", "NaI")
    with zipfile.ZipFile(here / "more.zip", "w") as packed:
        for path in copies(here / "loose", "Na2S"):
            packed.write(path, path.name)
    shutil.rmtree(here / "loose")


def transport(here: Path) -> None:
    xdatcar(here / "XDATCAR")
    for seed, temperature in enumerate((600, 700, 800)):
        ase_trajectory(here / f"run_{temperature}.extxyz", 50.0, seed=seed)
    cp2k_positions(here, "lips", SYMBOLS)


def vasp(here: Path) -> None:
    """The page's own INCAR stands beside each XDATCAR: time step and temperature are from there."""
    finished_run(here / "my-run")
    (incar,) = blocks(ROOT / "docs" / "how-to" / "vasp.md", "ini")
    for seed, temperature in enumerate((600, 700, 800)):
        folder = here / f"{temperature}K"
        xdatcar(folder / "XDATCAR", frames=1300, seed=seed)  # 13 ps at 10 fs a frame
        (folder / "INCAR").write_text(incar.replace("TEBEG = 600", f"TEBEG = {temperature}"))


def mlip(here: Path) -> None:
    finished_run(here / "my-run")
    for seed, temperature in enumerate((600, 800)):
        ase_trajectory(here / f"run_{temperature}.traj", 50.0, seed=seed)


WORLDS: dict[str, Callable[[Path], None]] = {
    "README.md": readme,
    "docs/campaigns.md": lambda here: copies(here / "cifs", "LiI", "LiCl") and None,
    "docs/how-to/cp2k.md": lambda here: cp2k_positions(here, "lii", ["Li"] * 4 + ["I"] * 4),
    "docs/how-to/icsd.md": lambda here: icsd_export(here / "exports"),
    "docs/how-to/mlip.md": mlip,
    "docs/how-to/report.md": lambda here: finished_run(here / "my-run"),
    "docs/how-to/vasp.md": vasp,
    "docs/sources.md": lambda here: icsd_export(here / "exports"),
    "docs/transport.md": transport,
}
"""What must lie in the folder in which a page's blocks run; nothing for a page not named here."""
