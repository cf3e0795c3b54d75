"""The documentation agrees with the code: its commands parse, its YAML is a campaign's.

That its commands and Python run, ``test_documentation_runs`` shows.
"""

from __future__ import annotations

import re

import documentation
import pytest
import typer
import yaml
from documentation import (
    PAGES,
    ROOT,
    blocks,
    commands,
    inline_commands,
    name_of,
    outside,
    shell_blocks,
)

from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.yaml_reader import load_campaign
from dualion.workflows.cli.main import app

each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


@pytest.fixture(scope="module")
def command_line():
    return typer.main.get_command(app)


def parsed(command, words):
    """The command that the words call, and its context, as the command line itself makes it.

    An unknown command, option or value, and a missing argument, raise the usage error that a
    user would see.
    """
    context = command.make_context("dualion", list(words))
    while hasattr(context.command, "commands"):
        rest = [*context._protected_args, *context.args]
        name, command, rest = context.command.resolve_command(context, rest)
        if "--help" in rest:
            return command, context
        context = command.make_context(name, rest, parent=context)
    return context.command, context


@each_page
def test_every_block_says_what_it_is(page):
    """Fences are told by their language; an indented block would escape every check."""
    text = page.read_text(encoding="utf-8")
    languages = re.findall(r"^```(\w*)$", text, flags=re.MULTILINE)[::2]
    assert set(languages) <= set(documentation.KINDS), f"{page.name}: {languages}"
    assert not re.search(r"^ {4,}\$? ?dualion ", outside(page), flags=re.MULTILINE)
    assert all(text.startswith("$ ") for text in blocks(page, "console"))
    assert not any(line.startswith("$ ") for text in blocks(page, "bash") for line in
                   text.splitlines())  # fmt: skip


@each_page
def test_commands_parse(page, command_line):
    for text in [*shell_blocks(page), *blocks(page, "console")]:
        for words in commands(text):
            parsed(command_line, words)


@each_page
def test_commands_in_running_text_exist(page, command_line):
    context = command_line.make_context("dualion", [], resilient_parsing=True)
    for words in inline_commands(page):
        node = command_line
        while hasattr(node, "commands") and words and not words[0].startswith("-"):
            if words[0] == "COMMAND":
                return
            node = node.get_command(context, words[0])
            assert node is not None, f"{page.name}: {words}"
            del words[0]
        known = {name for one in node.params for name in (*one.opts, *one.secondary_opts)}
        used = {word.split("=")[0] for word in words if word.startswith("--")}
        assert used <= known | {"--help", "--version"}, f"{page.name}: {words}"


def test_a_wrong_command_would_be_noticed(command_line):
    for wrong in (["screan"], ["screen", "--wokers", "2"], ["report"], ["screen", "--workers", "x"],
                  ["compare", "one"]):  # fmt: skip
        with pytest.raises(Exception, match=r"(?i)no such|missing|a valid"):
            parsed(command_line, wrong)
    assert parsed(command_line, ["show", "LiI", "--json"])[1].params["as_json"] is True


@each_page
def test_yaml_blocks_are_those_of_a_campaign(page, tmp_path):
    for text in blocks(page, "yaml"):
        given = yaml.safe_load(text)
        source = "" if "sources" in given else "sources:\n  - files: [cifs]\n"
        (tmp_path / "campaign.yaml").write_text(source + text)
        found = load_campaign(tmp_path / "campaign.yaml")
        assert set(given) <= set(Campaign.model_fields)
        for block, fields in given.items():
            if isinstance(fields, dict):
                written = getattr(found, block).model_dump(exclude_unset=True)
                assert set(written) == set(fields), block


def test_every_page_is_in_the_menu():
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").as_posix()
        assert name.startswith("case-") or name in menu, name
