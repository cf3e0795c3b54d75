"""Hops as VTST folders: what is written, and what is read after a program has run there."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from ase.io import read
from handover_world import GOLD, INNER, alloy_hop, emt_energy, outcar, run_stand_in

from dualion.structures.errors import InputError
from dualion.workflows.neb.band import BandOptions
from dualion.workflows.neb.handover.hop_folder import HopFolder
from dualion.workflows.neb.handover.hop_images import images_of
from dualion.workflows.neb.handover.programs import NotComputedError, make_handover, read_hop

OPTIONS = BandOptions(images=INNER, spring_ev_square=5.0, force_ev_angstrom=0.04, most_steps=77)
SHIFT = 0.05
PLACES = [f"{number:02d}" for number in range(INNER + 2)]


@pytest.fixture(autouse=True)
def _no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PMG_VASP_PSP_DIR", raising=False)


def written(path: Path, **settings: object) -> HopFolder:
    folder = HopFolder(path / "hop-0004")
    make_handover("vasp", settings).write(alloy_hop(), folder, OPTIONS)
    return folder


def read_back(folder: HopFolder):
    return read_hop(make_handover("vasp", {}), folder)


def finished(path: Path) -> HopFolder:
    """A hop whose ends and images a program has computed."""
    folder = written(path)
    for place in (PLACES[0], PLACES[-1]):
        run_stand_in(folder.path / place, shift=SHIFT, image=False)
    with pytest.raises(NotComputedError, match="Both ends are relaxed"):
        read_back(folder)
    for number, place in enumerate(PLACES[1:-1]):
        run_stand_in(folder.path / place, force=0.01 * (number + 1))
    return folder


def tags(path: Path) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in path.read_text().splitlines())
    return {key.strip(): value.strip() for key, value in pairs}


def test_band_and_ends_get_their_inputs(tmp_path: Path) -> None:
    folder = written(tmp_path, incar={"NCORE": 4, "encut": 450})
    band = tags(folder.path / "INCAR")
    wanted = {"IMAGES": "3", "SPRING": "-5", "LCLIMB": "True", "ICHAIN": "0", "NSW": "77",
              "EDIFFG": "-0.04", "ISIF": "2", "NCORE": "4"}  # fmt: skip
    assert {key: band[key].removesuffix(".0") for key in wanted} == wanted
    assert float(band["ENCUT"]) == 450.0
    end = tags(folder.path / "00" / "INCAR")
    assert "IMAGES" not in end and "LCLIMB" not in end
    assert float(end["EDIFFG"]) == -0.03
    shared = ("ENCUT", "ISMEAR", "PREC", "ISPIN", "LREAL", "ISYM", "EDIFF", "MAGMOM")
    assert {key: end[key] for key in shared} == {key: band[key] for key in shared}
    potentials = (folder.path / "POTCAR.spec").read_text().split()
    assert [name.split("_")[0] for name in potentials] == ["Au", "Cu"]  # of POSCAR, in its order
    for place in PLACES:
        poscar = read(folder.path / place / "POSCAR", format="vasp")
        symbols = poscar.get_chemical_symbols()
        assert symbols == sorted(symbols, key=["Au", "Cu"].index)
    ends = {name: (folder.path / "00" / name).is_file() for name in ("KPOINTS", "POTCAR.spec")}
    assert all(ends.values())
    assert not (folder.path / "01" / "INCAR").exists()


def test_potentials_of_a_library_bring_the_charge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "library" / "POT_GGA_PAW_PBE_54"
    valence = {"Cu_pv": 17.0, "Au": 11.0}
    for name, electrons in valence.items():
        (library / name).mkdir(parents=True)
        (library / name / "POTCAR").write_text(f"TITEL = {name}\n ZVAL = {electrons}\n")
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(tmp_path / "library"))
    folder = written(tmp_path)
    hop = alloy_hop()
    symbols = hop.frames[0].get_chemical_symbols()
    neutral = 17.0 * symbols.count("Cu") + 11.0 * symbols.count("Au")
    for place in (folder.path, folder.path / "00"):
        assert (
            float(tags(place / "INCAR")["NELECT"]) == neutral + 1.0
        )  # the cation left its electron
        assert (place / "POTCAR").read_text().count("TITEL") == 2


def test_what_a_program_found_is_read_in_our_order(tmp_path: Path) -> None:
    found = read_back(finished(tmp_path))
    hop = alloy_hop()
    assert found.hop == 4 and found.reason == ""
    energies = [emt_energy(image) for image in found.images]
    np.testing.assert_allclose(found.energies_ev, np.array(energies) - energies[0], atol=1e-5)
    assert found.rises_ev[0] == pytest.approx(max(energies) - energies[0], abs=1e-5)
    assert found.rises_ev[1] == pytest.approx(max(energies) - energies[-1], abs=1e-5)
    assert found.largest_force_ev_angstrom == pytest.approx(0.03)
    assert found.steps == 2 and found.flags == ()
    for ours, theirs in zip(hop.images(), found.images, strict=True):
        assert list(theirs.numbers) == list(ours.numbers)
        moved = theirs.positions - ours.positions - [SHIFT, 0.0, 0.0]  # both ends moved, so do all
        moved = moved @ np.linalg.inv(np.array(ours.cell))
        assert np.abs(moved - np.round(moved)).max() < 1e-8
    assert images_of(found.images, GOLD).mover == hop.mover


def test_a_band_over_its_force_limit_is_flagged(tmp_path: Path) -> None:
    folder = finished(tmp_path)
    run_stand_in(folder.path / "02", force=0.06)
    assert read_back(folder).flags == ("not_converged",)
    run_stand_in(folder.path / "02", force=0.5)
    unresolved = read_back(folder)
    assert np.isnan(unresolved.rises_ev).all()
    assert "0.50 eV/Å" in unresolved.reason


def test_what_is_missing_is_said_in_one_sentence(tmp_path: Path) -> None:
    folder = written(tmp_path)
    with pytest.raises(NotComputedError, match=r"end .*00 is not relaxed yet"):
        read_back(folder)
    run_stand_in(folder.path / "00", image=False, reached=False)
    with pytest.raises(NotComputedError, match="stopped before its force limit"):
        read_back(folder)
    folder = finished(tmp_path / "again")
    (folder.path / "02" / "OUTCAR").write_text(outcar(-1.0, ended=False))
    with pytest.raises(NotComputedError, match="02 is not finished after 2 steps"):
        read_back(folder)
    (folder.path / "02" / "OUTCAR").unlink()
    with pytest.raises(NotComputedError, match="02 has no OUTCAR"):
        read_back(folder)
    shutil.rmtree(folder.path / "02")
    with pytest.raises(InputError, match=r"holds the images 00, 01, 03, 04; it was written with 5"):
        read_back(folder)


def test_a_plain_vasp_and_wrong_settings_are_refused(tmp_path: Path) -> None:
    folder = finished(tmp_path)
    plain = (folder.path / "01" / "OUTCAR").read_text().replace("FORCES: max atom", "forces")
    (folder.path / "01" / "OUTCAR").write_text(plain)
    with pytest.raises(InputError, match="VTST"):
        read_back(folder)
    with pytest.raises(InputError, match="IMAGES follows from the hop"):
        make_handover("vasp", {"incar": {"IMAGES": 5}})
    with pytest.raises(InputError, match="written for vasp, not for cp2k"):
        read_hop(make_handover("cp2k", {}), folder)
