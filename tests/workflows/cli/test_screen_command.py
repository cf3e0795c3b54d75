"""``dualion screen`` as a user meets it: wrong words, bad structures, a quick help."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from dualion.results.tables import read_table
from dualion.workflows.cli import main as cli

pytestmark = pytest.mark.usefixtures("shared_workers")

CIF = """data_{name}
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
{sites}
"""


def cif(name: str, a: float, *sites: tuple[str, float, float, float]) -> str:
    lines = [f"{s}{i} {s} {x} {y} {z}" for i, (s, x, y, z) in enumerate(sites)]
    return CIF.format(name=name, a=a, sites="\n".join(lines))


def thousand_atoms() -> str:
    """A 5 × 5 × 5 supercell of rock salt LiCl: 1,000 atoms."""
    sites = [
        ("Li" if (i + j + k) % 2 == 0 else "Cl", i / 10, j / 10, k / 10)
        for i, j, k in itertools.product(range(10), repeat=3)
    ]
    return cif("big", 25.7, *sites)


SOUND = cif("sound", 3.2, ("Li", 0, 0, 0), ("F", 0.5, 0.5, 0.5))
BAD = {
    "empty.cif": ("", "empty"),
    "broken.cif": ("data_x\n_cell_length_a 3.0\nloop_\n_atom_site", "no_cell"),
    "no_cation.cif": (cif("na", 3.4, ("Na", 0, 0, 0), ("F", 0.5, 0.5, 0.5)), "no_cation"),
    "overlapping.cif": (
        cif("near", 4.0, ("Li", 0, 0, 0), ("F", 0.5, 0.5, 0.5), ("F", 0.51, 0.5, 0.5)),
        None,
    ),
}


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command line in this process; its exit status."""
    monkeypatch.setattr(sys, "argv", ["dualion", "screen", *arguments])
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_bad_structures_become_rows_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, (text, _) in BAD.items():
        (folder / name).write_text(text)
    (folder / "big.cif").write_text(thousand_atoms())
    (folder / "sound.cif").write_text(SOUND)
    assert run(monkeypatch, str(folder), "--output", str(tmp_path / "out")) == 0
    assert "Traceback" not in capsys.readouterr().err
    rows = {str(r["source_id"]).split("#")[0]: r for r in read_table(tmp_path / "out/screened.csv")}
    assert set(rows) == {*BAD, "big.cif", "sound.cif"}
    for name, (_, reason) in BAD.items():
        assert rows[name]["status"] == "rejected", rows[name]
        assert reason is None or rows[name]["reason"] == reason
        assert str(rows[name]["message"]).endswith(".")
    assert (rows["big.cif"]["status"], rows["sound.cif"]["status"]) == ("ok", "ok")
    assert rows["big.cif"]["n_sites"] == 1000


def test_an_unbalanced_structure_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Forced to neutrality it has numbers, flags and a sentence; strictly it is rejected."""
    text = cif("odd", 4.2, ("Li", 0, 0, 0), ("Li", 0.5, 0.5, 0), ("F", 0.5, 0.5, 0.5))
    (tmp_path / "odd.cif").write_text(text)
    for options, status in (((), "ok"), (("--strict",), "rejected")):
        output = tmp_path / f"out-{status}"
        path = str(tmp_path / "odd.cif")
        assert run(monkeypatch, path, *options, "--output", str(output)) == 0
        row = read_table(output / "screened.csv")[0]
        assert row["status"] == status
        assert "net charge of +1 e" in str(row["message"])
        assert status == "rejected" or "charge_balance_forced" in str(row["flags"])


def test_a_missing_parameter_ends_a_pair_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No tabulated parameters for an ion of one structure; LiF beside it must be done."""
    (tmp_path / "sound.cif").write_text(SOUND)
    (tmp_path / "odd.cif").write_text(
        cif("odd", 4.6, ("Li", 0, 0, 0), ("Tc", 0.5, 0.5, 0.5), *_octahedron("F"))
    )
    out = tmp_path / "out"
    inputs = [str(tmp_path / name) for name in ("odd.cif", "sound.cif")]
    assert run(monkeypatch, *inputs, "--refuse-estimates", "--output", str(out)) == 0
    rows = {str(r["source_id"]).split("#")[0]: r for r in read_table(out / "screened.csv")}
    assert rows["odd.cif"]["status"] == "rejected"
    assert rows["odd.cif"]["reason"] == "missing_parameters"
    assert rows["sound.cif"]["status"] == "ok"


def _octahedron(element: str) -> list[tuple[str, float, float, float]]:
    away = 0.29
    return [
        (element, *(0.5 + sign * away * (axis == n) for n in range(3)))  # type: ignore[misc]
        for axis in range(3)
        for sign in (1, -1)
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--engine", "nativ"], "did you mean 'native'"),
        (["--preset", "bvlan"], "did you mean 'bvlain'"),
        (["--radii", "asse"], "did you mean 'ase'"),
        (["--cation", "Lx"], "no chemical element"),
        (["--anion", "Cx"], "no chemical element"),
        (["--spacing", "0"], "grid spacing is 0"),
        (["--spacing", "nan"], "grid spacing is nan"),
        (["--cutoff", "-1"], "cutoff is -1"),
        (["--workers", "-2"], "number of workers is -2"),
        (["--time-limit", "0"], "time limit is 0"),
        (["--dimensionality", "4"], "1, 2 or 3"),
        (["--limit", "0"], "number of entries is 0"),
        (["--max-hull", "-1"], "energy above the hull is -1"),
        (["--weight", "gap"], "PART=NUMBER"),
        (["--weight", "gapp=1"], "gap"),
        (["--min-ratio", "2", "--max-ratio", "1"], "not in order"),
        (["no_such_folder"], "does not exist"),
        (["*.nothing"], "matches nothing"),
        (["--wokers", "2"], "--workers"),
    ],
)
def test_a_wrong_word_ends_in_one_sentence_before_anything_is_made(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert list(tmp_path.iterdir()) == []


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['dualion', 'screen', '--help']\n"
        "from dualion.workflows.cli.main import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'numba', 'scipy', 'pymatgen', 'ase', 'dask', 'distributed', 'mp_api',"
        " 'sqlalchemy', 'yaml'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Screen crystal structures" in done.stdout
    assert "HEAVY []" in done.stdout


def test_sources_are_filtered_and_freed_of_duplicates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same salt from two sources is screened once; the other one is named."""
    monkeypatch.setenv("DUALION_CACHE", str(tmp_path / "cache"))
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.cif").write_text(SOUND)
    (tmp_path / "b.cif").write_text(SOUND.replace("data_sound", "data_again"))
    first, second = str(tmp_path / "one"), str(tmp_path / "b.cif")
    output = tmp_path / "out"
    assert run(monkeypatch, second, "--source", f"file:{first}", "--output", str(output)) == 0
    rows = read_table(output / "screened.csv")
    assert sorted(str(row["status"]) for row in rows) == ["ok", "rejected"]
    assert {str(row["reason"]) for row in rows} == {"", "duplicate"}
