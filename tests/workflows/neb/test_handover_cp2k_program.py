"""CP2K for real: a few steps of a band of lithium chloride, two cells with one cation missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

from dualion.screening.ions import MobileIon
from dualion.workflows.neb.band import BandOptions
from dualion.workflows.neb.handover.hop_folder import HopFolder
from dualion.workflows.neb.handover.hop_images import HopImages, images_of
from dualion.workflows.neb.handover.programs import make_handover, read_hop

pytestmark = [
    pytest.mark.cp2k,
    pytest.mark.skipif(
        shutil.which("cp2k.psmp") is None,
        reason="CP2K is not installed; on Debian and Ubuntu: apt install cp2k cp2k-data",
    ),
]

SETTINGS = {
    "basis": "SZV-MOLOPT-SR-GTH",
    "cutoff_ry": 60.0,
    "rel_cutoff_ry": 30.0,
    "eps_scf": 1e-5,
    "eps_default": 1e-9,
    "input": "&FORCE_EVAL\n&DFT\n&SCF\n&OT\nPRECONDITIONER FULL_ALL\n&END OT\n&END SCF\n&END DFT\n"
    "&END FORCE_EVAL\n&MOTION\n&BAND\n&OPTIMIZE_BAND\n&DIIS\nNO_LS T\n&END DIIS\n"
    "&END OPTIMIZE_BAND\n&END BAND\n&END MOTION",
}
"""Short steps along the forces: the first line search of so small a band overshoots."""
STEPS = 3
HARTREE_EV = 27.211386


def lithium_hop() -> HopImages:
    """Li+ hops to its neighbour's site; halfway, the cell is its own mirror image."""
    perfect = bulk("LiCl", "rocksalt", a=5.13).repeat((1, 1, 2))
    mover, gone = np.flatnonzero(perfect.numbers == 3)
    way = perfect.positions[gone] - perfect.positions[mover]
    images = []
    for share in (0.0, 0.5, 1.0):
        image = perfect.copy()
        image.positions[mover] += share * way
        del image[gone]
        images.append(image)
    return images_of(images, MobileIon(3, 1.0))


def test_a_band_runs_and_is_read_back(tmp_path: Path) -> None:
    hop, folder = lithium_hop(), HopFolder(tmp_path / "hop-0000")
    handover = make_handover("cp2k", SETTINGS)
    handover.write(hop, folder, BandOptions(images=1, most_steps=STEPS))
    run = subprocess.run(
        ["cp2k.psmp", "-i", "neb.inp", "-o", "neb.out"],
        cwd=folder.path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    found = read_hop(handover, folder)
    last = (folder.path / "neb-1.ener").read_text().splitlines()[-1].split()
    energies = np.array(last[1:4], dtype=float) * HARTREE_EV  # CP2K's own table of the band
    assert (found.steps, int(last[0])) == (STEPS, STEPS)
    np.testing.assert_allclose(found.energies_ev, energies - energies[0], atol=1e-4)
    assert found.energies_ev[2] == pytest.approx(0.0, abs=2e-3)  # the ends are mirror images
    assert 0.2 < found.energies_ev[1] < 0.6  # of few steps, one Γ point and the smallest basis
    # Few steps need not reach the limit; a band that is far from it has no barrier.
    assert 0.0 < found.largest_force_ev_angstrom < 2.0
    assert np.isnan(found.rises_ev[0]) == (found.largest_force_ev_angstrom > 0.2)
    assert found.flags == (("not_converged",) if found.largest_force_ev_angstrom > 0.05 else ())
    moved = found.images[0].positions - hop.frames[0].positions
    assert 1e-3 < np.abs(moved).max() < 0.5  # the ends are relaxed with the band
    np.testing.assert_allclose(found.images[1].positions, hop.frames[1].positions, atol=1e-3)
