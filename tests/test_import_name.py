"""The import name ``dualion``: the flat public names, from a checkout and from a wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import dualion

ROOT = Path(__file__).resolve().parents[1]

PUBLIC = [
    "AnalysisOptions",
    "BarrierOptions",
    "DaiCriterion",
    "IonBarriers",
    "IonPaths",
    "PairFailure",
    "PairResult",
    "PotentialOptions",
    "ReadOptions",
    "ScreenFailure",
    "ScreenOptions",
    "ScreenResult",
    "ScreenResults",
    "Trajectory",
    "TransportReport",
    "Verdict",
    "__version__",
    "analyse",
    "guest",
    "paths",
    "read_runs",
    "read_trajectory",
    "screen",
    "screen_many",
]

SCREENING = """
from pymatgen.core import Lattice, Structure
from dualion import screen
structure = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.13), ["Li", "Cl"],
                                      [[0, 0, 0], [0.5, 0.5, 0.5]])
(pair,) = screen(structure, cation="Li").pairs
print(pair.cation.ion, pair.anion.ion, "ratio", round(pair.verdict.ratios[2], 6))
"""
DECOYS = """
import results, workflows
assert results.DECOY and workflows.DECOY
"""


def test_the_public_names_are_these():
    assert dualion.__all__ == PUBLIC
    for name in PUBLIC:
        assert getattr(dualion, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'scren'"):
        _ = dualion.scren


def test_import_alone_loads_nothing_heavy():
    code = (
        "import sys, dualion; "
        "print([n for n in ('numba', 'pymatgen', 'matplotlib', 'dask') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_a_plain_checkout_runs_as_a_module():
    """``python -m dualion`` in the checkout takes the checkout, installed or not."""
    code = "import dualion.structures as s; print(s.__file__)"
    alone = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    there = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
        env=alone,
    )  # fmt: skip
    assert Path(there.stdout.strip()) == ROOT / "structures" / "__init__.py"
    helped = subprocess.run(
        [sys.executable, "-m", "dualion", "--help"], capture_output=True, text=True, cwd=ROOT,
        env=alone,
    )  # fmt: skip
    assert helped.returncode == 0 and "screen" in helped.stdout


@pytest.mark.slow
def test_a_wheel_beside_packages_of_the_rooms_names(tmp_path):
    """Distributions named ``results`` and ``workflows`` neither break dualion nor are broken."""
    source = tmp_path / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    names = tracked.stdout.splitlines() or [
        str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()
    ]
    for name in names:
        if name.startswith(("docs/", "tests/", "benchmarks/")) or not (ROOT / name).is_file():
            continue
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("dualion-*.whl")
    home = tmp_path / "venv"
    venv.create(home, with_pip=False, system_site_packages=False, symlinks=True)
    python = home / "bin" / "python"
    (site,) = (home / "lib").glob("python*/site-packages")
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True)
    for name in ("results", "workflows"):
        (site / name).mkdir()
        (site / name / "__init__.py").write_text("DECOY = True\n")
    dependencies = Path(os.__file__).parent / "site-packages"
    others = [p for p in sys.path if p.endswith("site-packages")] or [str(dependencies)]
    (site / "dependencies.pth").write_text("\n".join(others) + "\n")
    outside = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", DECOYS + SCREENING], capture_output=True, text=True, cwd=tmp_path,
        env=outside,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    checkout = subprocess.run(
        [sys.executable, "-c", SCREENING], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == checkout.stdout
    assert done.stdout.startswith("Li+ Cl- ratio 1.0")
    places = subprocess.run(
        [python, "-c", "import dualion.workflows.cli.main as m; print(m.__file__)"],
        capture_output=True, text=True, check=True, cwd=tmp_path, env=outside,
    )  # fmt: skip
    assert str(site) in places.stdout
