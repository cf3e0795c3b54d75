"""Protocols, states and the names of runs."""

import itertools

import md_samples
import pytest

from dualion.structures.errors import InputError
from dualion.workflows.md.plan.protocol import PROTOCOLS, make_protocol
from dualion.workflows.md.states import FINAL, TRANSITIONS, RunState, may_follow


def test_the_paper_s_protocol_is_the_published_one():
    """Cen et al., Nat. Sustain. 2025: 1 fs, Nosé, 10 + 100 ps at seven temperatures."""
    cen = PROTOCOLS["cen2025"]
    assert cen.temperatures_k == (400, 600, 650, 700, 750, 800, 1000)
    assert (cen.timestep_fs, cen.thermostat) == (1.0, "nose-hoover")
    assert (cen.equilibration_ps, cen.production_ps, cen.budget_ps) == (10.0, 100.0, 100.0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"timestep_fs": 0.0}, "timestep_fs"),
        ({"budget_ps": 1.0}, "budget_ps is shorter"),
        ({"frame_fs": 3.0}, "whole number of time steps"),
        ({"temperatures_k": ()}, "temperatures_k"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_number_is_one_sentence(changes, said):
    with pytest.raises(InputError, match=said):
        make_protocol("mlip", **changes)


def test_an_unknown_protocol_names_the_closest():
    with pytest.raises(InputError, match="cen2025"):
        make_protocol("cen2024")


def test_steps_come_in_whole_frames():
    protocol = md_samples.protocol(timestep_fs=2.0, frame_fs=50.0)
    assert protocol.steps_per_frame == 25
    assert protocol.steps_of(1.0) == 500
    assert protocol.steps_of(0.06) == 50
    assert md_samples.protocol().steps_of(0.05 + 0.1) == 30  # 0.15000000000000002 ps
    assert protocol.with_half_step().steps_per_frame == 50


def test_every_state_has_its_row_and_the_ends_are_reached():
    assert set(TRANSITIONS) == set(RunState)
    reached, front = {RunState.PLANNED}, {RunState.PLANNED}
    while front:
        front = set().union(*(TRANSITIONS[state] for state in front)) - reached
        reached |= front
    assert reached == set(RunState)
    for now, then in itertools.product(RunState, RunState):
        assert may_follow(now, then) == (now is then or then in TRANSITIONS[now])
    assert not any(may_follow(state, RunState.RUNNING) for state in FINAL)


def test_runs_that_differ_in_anything_differ_in_key_and_place(tmp_path):
    one = md_samples.run_folder(tmp_path / "1").spec()
    others = [
        one.model_copy(update=change)
        for change in (
            {"temperature_k": 700.0},
            {"replica": 2},
            {"seed": 8},
            {"cell": "schottky_Cu1_I1"},
            {"engine": "chgnet"},
            {"cell_sha256": "0"},
            {"protocol": md_samples.protocol(timestep_fs=2.5)},
        )
    ]
    assert len({spec.key for spec in (one, *others)}) == 8
    assert len({spec.place for spec in (one, *others)}) == 8


def test_a_place_stays_below_its_folder(tmp_path):
    spec = md_samples.run_folder(tmp_path / "1").spec()
    odd = spec.model_copy(update={"formula": "../../etc", "cell": "/a b", "engine": "x.y:Z"})
    assert ".." not in odd.place.split("/")
    assert not odd.place.startswith("/")
