"""Hops as BAND inputs of CP2K, and what is read of its output, without CP2K."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from ase.calculators.cp2k import InputSection, parse_input
from ase.calculators.emt import EMT
from ase.mep import NEB
from handover_world import INNER, alloy_hop, emt_energy, run_cp2k_stand_in

from dualion.structures.errors import InputError
from dualion.workflows.md.engines.cp2k_data import Kind
from dualion.workflows.md.engines.cp2k_input import check_cp2k_settings
from dualion.workflows.neb.band import BandOptions
from dualion.workflows.neb.handover.cp2k_hop import write_cp2k_hop
from dualion.workflows.neb.handover.hop_folder import HopFolder
from dualion.workflows.neb.handover.programs import NotComputedError, make_handover, read_hop

OPTIONS = BandOptions(images=INNER, spring_ev_square=1.0, force_ev_angstrom=0.05, most_steps=77)
KINDS = [Kind("Cu", "DZVP-MOLOPT-SR-GTH", "GTH-PBE-q11"), Kind("Au", "DZVP", "GTH-PBE-q11")]
HARTREE, BOHR = 27.211386, 0.5291772  # CODATA 2018


def written(path: Path, **settings: object) -> HopFolder:
    folder = HopFolder(path / "hop-0004")
    write_cp2k_hop(alloy_hop(), folder, OPTIONS, check_cp2k_settings(settings), KINDS)
    return folder


def finished(path: Path, **how: object) -> HopFolder:
    folder = written(path)
    run_cp2k_stand_in(folder.path, alloy_hop().images(), **how)
    return folder


def read_back(folder: HopFolder):
    return read_hop(make_handover("cp2k", {}), folder)


def section(root: InputSection, path: str) -> dict[str, str]:
    words = (line.split(maxsplit=1) for line in root.get_subsection(path).keywords)
    return {word[0]: word[1] for word in words}


def test_the_input_is_a_climbing_band_of_the_images(tmp_path: Path) -> None:
    own = "&MOTION\n&BAND\nNPROC_REP 8\nK_SPRING 9\n&CI_NEB\nNSTEPS_IT 2\n&END\n&END\n&END\n"
    folder = written(tmp_path, input=own)
    root = parse_input((folder.path / "neb.inp").read_text())
    band = section(root, "MOTION/BAND")
    assert band["BAND_TYPE"] == "CI-NEB"
    assert band["NUMBER_OF_REPLICA"] == str(INNER + 2)
    assert float(band["K_SPRING"]) == pytest.approx(1.0 / HARTREE * BOHR**2, rel=1e-4)
    assert (band["ALIGN_FRAMES"], band["ROTATE_FRAMES"]) == ("FALSE", "FALSE")
    assert band["NPROC_REP"] == "8"  # the user's
    assert section(root, "MOTION/BAND/CI_NEB") == {"NSTEPS_IT": "2"}
    limit = float(section(root, "MOTION/BAND/CONVERGENCE_CONTROL")["MAX_FORCE"])
    assert limit * HARTREE / BOHR == pytest.approx(0.05, rel=1e-5)
    assert section(root, "MOTION/BAND/OPTIMIZE_BAND")["OPTIMIZE_END_POINTS"] == "TRUE"
    assert section(root, "MOTION/BAND/OPTIMIZE_BAND/DIIS") == {"MAX_STEPS": "77"}
    assert section(root, "FORCE_EVAL/DFT")["CHARGE"] == "-1"
    assert section(root, "GLOBAL")["RUN_TYPE"] == "BAND"
    text = (folder.path / "neb.inp").read_text()
    names = [f"image-{number:02d}.xyz" for number in range(INNER + 2)]
    assert [name for name in names if f"COORD_FILE_NAME {name}" in text] == names
    for name, frame in zip(names, alloy_hop().images(), strict=True):
        rows = [line.split() for line in (folder.path / name).read_text().splitlines()[2:]]
        assert [row[0] for row in rows] == frame.get_chemical_symbols()
        np.testing.assert_allclose(np.array([row[1:] for row in rows], float), frame.positions)


def test_the_last_evaluation_is_read_with_the_residual_force_of_the_band(tmp_path: Path) -> None:
    found = read_back(finished(tmp_path))
    images = alloy_hop().images()
    energies = np.array([emt_energy(image) for image in images])
    np.testing.assert_allclose(found.energies_ev, energies - energies[0], atol=1e-6)
    assert found.steps == 7
    for image in images:
        image.calc = EMT()
    band = NEB(images, climb=True, k=0.0, method="improvedtangent", allow_shared_calculator=True)
    forces = [images[0].get_forces(), band.get_forces(), images[-1].get_forces()]
    largest = np.linalg.norm(np.concatenate(forces), axis=1).max()
    assert found.largest_force_ev_angstrom == pytest.approx(largest, abs=1e-5)
    assert largest > 0.2  # nothing was relaxed, and so there is no barrier
    assert np.isnan(found.rises_ev).all() and "residual force" in found.reason
    for ours, theirs in zip(alloy_hop().images(), found.images, strict=True):
        np.testing.assert_allclose(theirs.positions, ours.positions, atol=1e-8)


def test_what_is_missing_is_said_in_one_sentence(tmp_path: Path) -> None:
    folder = written(tmp_path)
    with pytest.raises(NotComputedError, match="not computed yet: run CP2K"):
        read_back(folder)
    with pytest.raises(NotComputedError, match=r"neb.out does not end"):
        read_back(finished(tmp_path / "a", ended=False))
    folder = finished(tmp_path / "b")
    run_cp2k_stand_in(folder.path, alloy_hop().images()[:-1])
    with pytest.raises(InputError, match="holds 4 images; 5 were handed over"):
        read_back(folder)
    folder = finished(tmp_path / "c")
    (folder.path / "neb-pos-Replica_nr_3-1.xyz").unlink()
    with pytest.raises(InputError, match=r"nr_3-1.xyz is missing"):
        read_back(folder)
    folder = finished(tmp_path / "d")
    (folder.path / "neb.out").write_text("PROGRAM ENDED AT\n")
    with pytest.raises(NotComputedError, match="ended before the first"):
        read_back(folder)
    folder = finished(tmp_path / "e")
    text = (folder.path / "neb.out").read_text().splitlines(keepends=True)
    last = max(n for n, line in enumerate(text) if line.startswith(" NEB|      Cu"))
    (folder.path / "neb.out").write_text("".join(text[:last] + text[last + 1 :]))
    with pytest.raises(InputError, match="not a force for each atom"):
        read_back(folder)


def test_a_damaged_folder_is_named(tmp_path: Path) -> None:
    folder = finished(tmp_path)
    shutil.copy(folder.path / "image-00.xyz", folder.path / "images.extxyz")
    with pytest.raises(InputError, match=r"delete the folder|is damaged"):
        read_back(folder)
    (folder.path / "hop.json").write_text("{}")
    with pytest.raises(InputError, match=r"hop.json is damaged"):
        read_back(folder)
