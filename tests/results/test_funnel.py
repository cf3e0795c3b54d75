"""Counts of structures, step by step."""

from __future__ import annotations

from dualion.results.funnel import Funnel


def test_every_structure_counts_up_to_the_step_where_it_ended():
    funnel = Funnel()
    failed = {"status": "rejected", "reason": "cannot_parse"}
    funnel.add([failed], stage="read", cation_below=False)
    funnel.add([failed | {"reason": "no_cation"}], stage="prepare", cation_below=False)
    funnel.add([failed | {"reason": "no_anion"}], stage="screen", cation_below=True)
    pairs = [
        {"status": "ok", "reason": "", "dai": False},
        {"status": "ok", "reason": "", "dai": True},
        {"status": "failed", "reason": "no_anion"},
    ]
    funnel.add(pairs, stage="done", cation_below=True)
    funnel.add([{"status": "ok", "reason": "", "dai": None}], stage="done", cation_below=False)
    assert funnel.parsed == 4
    assert funnel.steps() == [
        ("read", 5),
        ("prepared", 3),
        ("computed", 2),
        ("cation barrier below threshold", 2),
        ("ratio in range", 1),
        ("candidates", 1),
    ]
    assert funnel.reasons == {"cannot_parse": 1, "no_cation": 1, "no_anion": 2}


def test_each_step_counts_a_structure_once_and_the_reasons_all() -> None:
    funnel = Funnel()
    ok, failed = {"status": "ok"}, {"status": "failed", "reason": "time_limit"}
    aside = ok | {"dai": True, "set_aside": "costly;toxic"}
    given = [
        ([{"status": "rejected", "reason": "unreadable"}], "read", False),
        ([{"status": "rejected", "reason": "no_cation"}], "prepare", False),
        ([failed, failed], "screen", False),
        ([ok, failed], "done", True),
        ([aside, aside], "done", True),
        ([aside, ok | {"dai": True}], "done", True),
        ([ok | {"dai": True}, ok | {"dai": False}], "done", True),
    ]
    for rows, stage, below in given:
        funnel.add(iter(rows), stage=stage, cation_below=below)
    assert funnel.steps() == [
        ("read", 7), ("prepared", 5), ("computed", 4), ("cation barrier below threshold", 4),
        ("ratio in range", 3), ("candidates", 2),
    ]  # fmt: skip
    assert funnel.parsed == 6
    assert funnel.set_aside == {"costly": 3, "toxic": 3}
    assert funnel.reasons == {"unreadable": 1, "no_cation": 1, "time_limit": 3}
