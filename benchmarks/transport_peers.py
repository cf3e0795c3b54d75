"""pymatgen's DiffusionAnalyzer and kinisi beside dualion on the same files.

Needs kinisi and pymatgen-analysis-diffusion (pip install 'dualion[kinisi]'
pymatgen-analysis-diffusion) and the public trajectories.
Run: python benchmarks/transport_peers.py DATA_FOLDER; with ``same`` behind it only the first table,
ours with pymatgen's lags and weights beside pymatgen. Each measurement runs in a process of
its own; times are the best of three after one warm-up, memory is what the first call adds at its
peak, compiled code and imports included.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

ARGYRODITES = ("Li6PS5Cl_0p_run1", "Li6PS5Cl_50p_run1", "Li6PS5I_0p_run1", "Li6PS5I_50p_run1")
TOOLS = ("dualion", "pymatgen", "kinisi")


def lips(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Unwrapped positions (frames, atoms, 3), species, cell and step of LiPS, ps."""
    with np.load(folder / "lips_200frames.npz", allow_pickle=False) as data:
        cell = data["cells"][0].astype(float)
        return data["positions"].astype(float), data["species"], cell, 0.02


def argyrodite(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    from dualion.structures.trajectories import ReadOptions, read_trajectory

    path = folder / f"{name}_actual_XDATCAR.gz"
    read = read_trajectory(path, ReadOptions(frame_step_ps=0.1))
    return read.positions(), np.array(read.symbols), read.mean_cell, 0.1


def lgps(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    content = json.loads(gzip.decompress((folder / "lgps_600K_displacements.json.gz").read_bytes()))
    moved = np.array(content["displacements"]).transpose(1, 0, 2)
    sites = content["structure"]["sites"]
    species = np.array([s["species"][0]["element"] for s in sites])
    start = np.array([s["xyz"] for s in sites])
    cell = np.array(content["structure"]["lattice"]["matrix"])
    return start + moved, species, cell, 0.02


def system(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    if name == "LiPS":
        return lips(folder)
    return lgps(folder) if name == "LGPS" else argyrodite(folder, name)


def msd_task(tool: str, folder: Path, name: str) -> Callable[[], float]:
    """A function that computes the MSD of Li over all lags and returns its last point, Å²."""
    positions, species, cell, step_ps = system(folder, name)
    lithium = species == "Li"
    relative = positions - positions[:, ~lithium].mean(axis=1, keepdims=True)
    if tool == "dualion":
        from dualion.screening.transport.self_diffusion.msd import mean_squared_displacement

        own = np.ascontiguousarray(relative[:, lithium])
        return lambda: float(mean_squared_displacement(own, step_ps).total[-1])
    if tool == "pymatgen":
        analyzer = _pymatgen(positions, species, cell, step_ps)
        return lambda: float(analyzer().msd[-1])
    data = _kinisi_parser(relative[:, lithium] - relative[:1, lithium], step_ps)
    from kinisi.displacement import calculate_msd

    return lambda: float(calculate_msd(data, progress=False)["da"].values[-1])


def _pymatgen(
    positions: np.ndarray, species: np.ndarray, cell: np.ndarray, step_ps: float
) -> Callable[[], object]:
    from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer
    from pymatgen.core import Lattice, Structure

    structure = Structure(Lattice(cell), species.tolist(), positions[0], coords_are_cartesian=True)
    moved = np.ascontiguousarray((positions - positions[0]).transpose(1, 0, 2))
    return lambda: DiffusionAnalyzer(
        structure, moved, "Li", 600, step_ps * 1e3, 1, smoothed="max", min_obs=30
    )


def _kinisi_parser(moved: np.ndarray, step_ps: float) -> object:
    """What kinisi's MSD function reads of a parser: displacements, lags, dimensionality."""
    from types import SimpleNamespace

    import scipp as sc

    frames = len(moved)
    lags = np.arange(1, frames)
    return SimpleNamespace(
        displacements=sc.array(
            dims=["obs", "particle", "dimension"], values=moved[1:], unit="angstrom"
        ),
        dt_index=sc.array(dims=["time interval"], values=lags),
        dt=sc.array(dims=["time interval"], values=lags * step_ps, unit="ps"),
        dimensionality=sc.scalar(3),
    )


def d_task(tool: str, folder: Path, name: str) -> Callable[[], tuple[float, float, float]]:
    """A function that gives D of Li and its 95 % interval, cm²/s."""
    positions, species, cell, step_ps = system(folder, name)
    lithium = species == "Li"
    relative = positions - positions[:, ~lithium].mean(axis=1, keepdims=True)
    own = np.ascontiguousarray(relative[:, lithium])
    if tool == "pymatgen":
        analyzer = _pymatgen(positions, species, cell, step_ps)

        def run() -> tuple[float, float, float]:
            found = analyzer()
            d, s = found.diffusivity, found.diffusivity_std_dev
            return d, d - 1.96 * s, d + 1.96 * s

        return run
    from dualion.screening.transport.self_diffusion.coefficient import diffusion

    window_ps = diffusion(own, step_ps).window_ps[0]
    if tool == "kinisi":
        from dualion.screening.transport.self_diffusion.kinisi_posterior import kinisi_posterior

        def run() -> tuple[float, float, float]:
            for found in kinisi_posterior(own, step_ps, window_ps):
                return found.d_cm2_s, found.low_cm2_s, found.high_cm2_s
            return np.nan, np.nan, np.nan  # withheld: its covariance does not hold

        return run

    def run() -> tuple[float, float, float]:
        found = diffusion(own, step_ps)
        return found.d_cm2_s, found.low_cm2_s, found.high_cm2_s

    return run


def like_for_like(folder: Path, name: str) -> str:
    """One row: pymatgen's D, ours over its lags and weights, its honest error, our own fit.

    pymatgen's D is linear in the MSD, so it is a mean over the ions, and the scatter of the
    ions' own values gives its error; what ions do together comes on top (``together``).
    """
    from dualion.screening.transport.self_diffusion.coefficient import diffusion
    from dualion.screening.transport.self_diffusion.estimators import (
        _line,
        _windowed_lags,
        point_estimate,
    )
    from dualion.screening.transport.self_diffusion.lag_cache import LagCache
    from dualion.screening.transport.self_diffusion.msd import msd_per_ion

    warnings.simplefilter("ignore")
    positions, species, cell, step_ps = system(folder, name)
    lithium = species == "Li"
    relative = positions - positions[:, ~lithium].mean(axis=1, keepdims=True)
    own = np.ascontiguousarray(relative[:, lithium])
    theirs = _pymatgen(positions, species, cell, step_ps)().diffusivity
    same = point_estimate("windowed_line", own, step_ps).d_cm2_s
    earliest = min(1.0, 0.1 * len(own) * step_ps)
    found = diffusion(own, step_ps, earliest_ps=earliest)
    lags = _windowed_lags(len(own), own.shape[1], step_ps)
    times, ions = msd_per_ion(own, step_ps)
    each = [_line(times[lags], ion[lags], 1.0 / times[lags]) / 6e4 for ion in ions.T]
    together = LagCache(own).shape(max(1, round(found.window_ps[0] / step_ps))).together
    error = np.std(each, ddof=1) * np.sqrt(together / len(each))
    apart = (found.d_cm2_s - theirs) / np.hypot(error, found.error_cm2_s)
    return (
        f"{theirs:.6g} | {same:.6g} | {abs(same / theirs - 1.0):.0e} | {times[lags[0]]:.2g} to "
        f"{times[lags[-1]]:.3g} ps | {error:.2g} | {found.d_cm2_s:.3g} ± {found.error_cm2_s:.2g} "
        f"({found.low_cm2_s:.3g} … {found.high_cm2_s:.3g}) | {found.window_ps[0]:.2g} to "
        f"{found.window_ps[1]:.3g} ps | {apart:+.1f} | {found.verdict}"
    )


def _memory_mb(field: str) -> float:
    """A memory figure of this process on Linux, MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(field))) / 1024


def measure(kind: str, tool: str, folder: Path, name: str) -> str:
    """One row's cells: result, best time, peak memory."""
    warnings.simplefilter("ignore")
    task = (msd_task if kind == "msd" else d_task)(tool, folder, name)
    before = _memory_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    result = task()
    grown = _memory_mb("VmHWM") - before
    times = []
    for _ in range(3):
        start = time.perf_counter()
        result = task()
        times.append(time.perf_counter() - start)
    if isinstance(result, tuple):
        shown = f"{result[0]:.3g} ({result[1]:.3g} … {result[2]:.3g})"
    else:
        shown = f"{result:.6f}"
    return f"{shown} | {min(times):.4f} s | {grown:.0f} MB"


def print_like_for_like(folder: Path) -> None:
    """Print pymatgen's D beside ours with its window, and beside ours."""
    print(
        "| system | pymatgen's D (cm²/s) | ours over its lags and weights | apart | its lags | its "
        "error over ions | our D | our lags | apart in combined errors | verdict |\n|" + "---|" * 10
    )
    for name in ("LiPS", "LGPS", *ARGYRODITES):
        print(f"| {name} | {like_for_like(folder, name)} |", flush=True)


def main() -> None:
    folder = Path(sys.argv[1])
    if len(sys.argv) > 2:
        if sys.argv[2] == "same":
            print_like_for_like(folder)
        else:
            print(measure(sys.argv[2], sys.argv[3], folder, sys.argv[4]))
        return
    print_like_for_like(folder)
    argyrodites = ARGYRODITES
    for kind, title, names in (
        ("msd", "MSD of Li, last point (Å²)", ("LiPS", "LGPS", argyrodites[0])),
        ("d", "D of Li (cm²/s) and 95 % interval", ("LiPS", "LGPS", *argyrodites)),
    ):
        print(f"\n| system | tool | {title} | time | added memory |\n|---|---|---|---|---|")
        for name in names:
            for tool in TOOLS:
                command = [sys.executable, __file__, str(folder), kind, tool, name]
                done = subprocess.run(command, capture_output=True, text=True, timeout=900)
                rows = done.stdout.strip().splitlines()[-1:]
                failure = done.stderr.strip().splitlines()[-1:] or ["failed"]
                print(f"| {name} | {tool} | {(rows or failure)[0]} |", flush=True)


if __name__ == "__main__":
    main()
