"""What the terminal shows of the candidates, on wide and narrow terminals."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dualion.workflows.cli.screen_view import candidate_table

IDS = ("LiFePO4.cif#LiFePO4", "mp.jsonl.gz#mp-1234567", "obelix/cifs.tar.gz/a.cif#Li1.3Al0.3")


def shown(width: int) -> str:
    rows = [
        {
            "rank": rank,
            "reduced_formula": "Li1.3Al0.3Ti1.7P3O12",
            "source_id": name,
            "cation": "Li+",
            "anion": "O1.92-",
            "e3d_cation_ev": 0.4434,
            "e3d_anion_ev": 0.6,
            "ratio_3d": 1.353,
            "flags": "anion_bound;weighted_occupancies",
        }
        for rank, name in enumerate(IDS, start=98)
    ]
    console = Console(file=io.StringIO(), width=width)
    console.print(candidate_table(rows, dimensionality=3, most=15, width=width))  # type: ignore[arg-type]
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("width", [60, 80, 100, 110, 160])
def test_no_id_and_no_number_is_shortened(width: int) -> None:
    lines = [line for line in shown(width).splitlines() if "─" not in line]
    assert "…" not in "".join(lines)
    assert max(map(len, lines)) <= width
    start = next(line for line in lines if "ratio" in line).index("ratio") + len("ratio")
    ends = "".join(line[start:].replace(" ", "") for line in lines)
    if width >= 110:
        place = 1 if width >= 130 else 0  # after the energy above the hull
        ends = "".join("".join(line[start:].split()[place : place + 1]) for line in lines)
    for name in IDS[:2] if width >= 110 else IDS:
        assert name in ends
    assert all(text in "".join(lines) for text in ("0.443", "0.600", "1.353", "98", "100"))


def test_ids_of_usual_length_stand_in_one_line_of_eighty_characters() -> None:
    assert all(any(name in line for line in shown(80).splitlines()) for name in IDS[:2])
