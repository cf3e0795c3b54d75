"""README.md's Python runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def test_library_example_runs(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 1
    exec(compile(blocks[0], "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["Li+", "O2-"], ["Li+", "Cl-"]]
    assert "True" in lines[1] or "False" in lines[1]


def test_every_file_that_the_architecture_names_is_there():
    text = (README.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:structures|screening|results|workflows)/[\w/.]+)`", text)
    assert len(named) > 30
    assert not [name for name in named if not (README.parent / name).exists()]
