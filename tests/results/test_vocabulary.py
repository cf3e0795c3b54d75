"""Code and vocabulary name the same flags and reasons, and flags are written in one order."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from raised_names import flags_raised, reasons_raised, texts_of_code

from dualion.results.vocabulary import (
    FLAG_MEANINGS,
    FLAGS,
    REASON_MEANINGS,
    REASONS,
    STATUSES,
    VERDICT_FLAGS,
    join_flags,
    sort_flags,
    split_flags,
    words,
)
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.structures.sources.optimade.entry import UNUSABLE_FEATURES
from dualion.structures.sources.prefilters import ELEMENT_LISTS

ROOT = Path(__file__).resolve().parents[2]
BUILT_FLAGS = {
    f"{quality.label}_parameters"
    for quality in ParameterQuality
    if quality > ParameterQuality.TABULATED
}
BUILT_REASONS = {f"optimade_{feature}" for feature in UNUSABLE_FEATURES} | {
    f"{name}_element" for name in ELEMENT_LISTS
}
"""Names that the code puts together."""


def test_every_flag_of_the_code_has_a_meaning():
    found = flags_raised()
    assert set(found) >= {"dimensionality_decides", "split_sites", "molten", "anion_bound"}
    assert not {name: where for name, where in found.items() if name not in FLAG_MEANINGS}
    assert set(FLAG_MEANINGS) >= BUILT_FLAGS


def test_every_reason_of_the_code_has_a_meaning():
    found = reasons_raised()
    assert set(found) >= {"no_cation", "bad_loop", "worker_lost", "zip_bomb", "too_hot", "crashed"}
    assert not {name: where for name, where in found.items() if name not in REASON_MEANINGS}
    assert set(REASON_MEANINGS) >= BUILT_REASONS


def test_every_name_of_the_vocabulary_is_used_by_the_code():
    texts = texts_of_code(besides="results/vocabulary.py")
    assert {t.name for t in FLAGS} - texts == BUILT_FLAGS
    assert {t.name for t in REASONS} - texts == BUILT_REASONS


@pytest.mark.parametrize("terms", [FLAGS, REASONS])
def test_terms_are_unique_sentences_in_groups_that_hang_together(terms):
    names = [term.name for term in terms]
    assert len(set(names)) == len(names)
    for term in terms:
        assert re.fullmatch(r"[A-Z].*\.", term.meaning), term.name
        assert len(term.meaning) > len(term.name), term.name
    groups = [term.group for term in terms]
    changes = [one for one, other in zip(["", *groups], groups, strict=False) if one != other]
    assert len(changes) == len(set(groups))


def test_flags_are_sorted_by_the_vocabulary_and_told_once():
    given = ["grid_error_decides", "made_up", "anion_bound", "split_sites", "anion_bound", ""]
    assert sort_flags(given) == ("split_sites", "anion_bound", "grid_error_decides", "made_up")
    assert join_flags(given) == "split_sites;anion_bound;grid_error_decides;made_up"
    assert split_flags(join_flags(given)) == sort_flags(given)
    assert split_flags(None) == split_flags("") == ()
    assert words("anion_bound") == "anion bound"


def test_verdict_flags_are_those_that_the_criterion_gives():
    assert {
        "dimensionality_decides", "ratio_reading_decides", "mechanism_decides",
        "disorder_decides", "grid_error_decides",
    } == VERDICT_FLAGS  # fmt: skip


def test_statuses_are_sentences():
    assert list(STATUSES) == ["ok", "rejected", "failed"]
    assert all(re.fullmatch(r"[A-Z].*\.", meaning) for meaning in STATUSES.values())


def test_the_documentation_lists_the_whole_vocabulary():
    """The page is made by a hook of MkDocs; without MkDocs its functions still run."""
    page = documentation_hooks().vocabulary_page()
    for term in (*FLAGS, *REASONS):
        assert f"| `{term.name}` | {term.meaning} |" in page
    for name, meaning in STATUSES.items():
        assert f"| `{name}` | {meaning} |" in page
    titles = re.findall(r"^### (.*)$", page, flags=re.MULTILINE)
    groups = [*dict.fromkeys(t.group for t in FLAGS), *dict.fromkeys(t.group for t in REASONS)]
    assert [title.lower() for title in titles] == [group.lower() for group in groups]


def test_flags_that_the_pages_name_are_flags():
    """A name in code font that reads like a flag: of the pages that speak of flags."""
    known = {*FLAG_MEANINGS, *REASON_MEANINGS}
    for page, names in {
        "benchmarks.md": {"weighted_occupancies", "charge_balance_forced"},
        "transport.md": {"truncated_file"},
    }.items():
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        told = set(re.findall(r"flag(?:ged)?s? `([a-z_]+)`", text))
        assert names <= told <= known, page


def documentation_hooks():
    """The module of the generated pages, with MkDocs' types stood in for where it is missing."""
    for name, types in (("config.defaults", "MkDocsConfig"), ("structure.files", "File Files")):
        module = ModuleType(f"mkdocs.{name}")
        for each in types.split():
            setattr(module, each, object)
        sys.modules.setdefault(f"mkdocs.{name}", module)
    spec = importlib.util.spec_from_file_location("documentation_hooks", ROOT / "docs" / "hooks.py")
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    return hooks
