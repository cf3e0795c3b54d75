"""CHGNet as an engine: the lean calculator gives CHGNet's numbers, and its runs go on exactly."""

import ase.build
import md_samples
import numpy as np
import pytest

from dualion.structures.errors import InputError
from dualion.workflows.md.engines import Resources
from dualion.workflows.md.run.segment import run_segment
from dualion.workflows.potentials.load import make_calculator

pytestmark = pytest.mark.mlip
pytest.importorskip("chgnet", reason="CHGNet is not installed; pip install 'dualion[mlip]'")


@pytest.fixture(autouse=True)
def one_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def lithium_iodide():
    cell = ase.build.bulk("LiI", "rocksalt", a=6.0, cubic=True)
    cell.rattle(0.05, seed=2)
    return cell


@pytest.mark.filterwarnings("ignore")
def test_energy_forces_and_stress_are_those_of_the_package_s_own_calculator():
    from chgnet.model import CHGNet
    from chgnet.model.dynamics import CHGNetCalculator

    ours, own = lithium_iodide(), lithium_iodide()
    ours.calc = make_calculator("chgnet", device="cpu")
    own.calc = CHGNetCalculator(CHGNet.load(verbose=False), use_device="cpu")
    assert ours.get_potential_energy() == pytest.approx(own.get_potential_energy(), abs=1e-5)
    assert np.abs(own.get_forces()).max() > 0.05
    np.testing.assert_allclose(ours.get_forces(), own.get_forces(), atol=1e-5)
    np.testing.assert_allclose(ours.get_stress(), own.get_stress(), atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_a_run_in_segments_is_an_unbroken_run_byte_for_byte(tmp_path):
    options = {
        "atoms": lithium_iodide(),
        "engine": "chgnet",
        "timestep_fs": 2.0,
        "frame_fs": 10.0,
        "equilibration_ps": 0.02,
        "production_ps": 0.12,
        "budget_ps": 0.12,
    }
    whole = md_samples.run_folder(tmp_path / "whole", **options)
    segments = md_samples.run_folder(tmp_path / "segments", **options)
    assert run_segment(whole.path, Resources(), device="cpu").state == "done"
    count, state = 0, ""
    while state != "done":
        count += 1
        state = run_segment(segments.path, Resources(limit_s=0.4), device="cpu").state
    assert count > 1
    assert segments.trajectory.read_bytes().count(b"\x1f\x8b\x08") >= 1
    import gzip

    assert gzip.decompress(segments.trajectory.read_bytes()) == gzip.decompress(
        whole.trajectory.read_bytes()
    )


class Program:
    """What a hostile model file holds: loading it by pickle makes a file."""

    def __init__(self, target):
        self.target = str(target)

    def __reduce__(self):
        return open, (self.target, "w")


def test_a_model_file_is_loaded_as_weights_and_never_run(tmp_path):
    import torch
    from chgnet.model import CHGNet

    saved = tmp_path / "own.pth.tar"
    torch.save({"model": CHGNet.load(verbose=False).as_dict()}, saved)
    ours, usual = lithium_iodide(), lithium_iodide()
    ours.calc = make_calculator("chgnet", model_path=saved, device="cpu")
    usual.calc = make_calculator("chgnet", device="cpu")
    assert ours.get_potential_energy() == usual.get_potential_energy()
    hostile = tmp_path / "hostile.pth.tar"
    torch.save({"model": Program(tmp_path / "ran")}, hostile)
    for file in (hostile, tmp_path / "text.pth.tar"):
        (tmp_path / "text.pth.tar").write_text("no model")
        with pytest.raises(InputError, match="not a file of weights alone"):
            make_calculator("chgnet", model_path=file, device="cpu")
    assert not (tmp_path / "ran").exists()
