"""The options of ``dualion analyze``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

READING, CHOICES, OUTPUT = "Input", "Analysis", "Output"

HELP = """Analyse how each ion of an MD run moves, with an error on every number.

Reads VASP XDATCAR and vasprun.xml, CP2K -pos-1.xyz and .dcd, other DCD, extended and plain XYZ, ASE
.traj, LAMMPS dumps, .npz and JSON of displacements, each also as .gz; the time step and temperature
come from the file where it has them, and are asked for where its writer leaves them open.
Wrapped atoms are unwrapped; displacements are relative to a framework that the output names.

Several trajectories of one temperature are joined where one goes on where another ends, in any
order (consecutive pieces of one run), and are replicas otherwise; temperatures that differ make an
Arrhenius series.

Verdicts: [bold]diffusing[/bold] (D is beyond its interval), [bold]rotating[/bold] (a ligand about
its centre: no D), [bold]vibrating[/bold], [bold]ballistic[/bold], [bold]not resolved[/bold] (the
run is too short to say).
"""

EPILOG = """Examples: [bold]dualion analyze XDATCAR --frame-step-fs 20 --temperature-k 600[/bold]
(NBLOCK=10 and POTIM=2: 20 fs between two frames) · [bold]dualion analyze 600.xyz 700.xyz 800.xyz
--temperature-k 600,700,800 --skip-ps 10[/bold] (activation energy, D at 300 K) · [bold]dualion
analyze lips-pos-1.xyz --framework P --charges Li=1,P=5,S=-2,I=-1 --pairs I-Li,P-S[/bold]. Look
first at overview.png and species.csv.
"""


Paths = Annotated[
    list[Path], typer.Argument(help="Trajectory files, .gz or not.", show_default=False)
]
Out = Annotated[
    Path, typer.Option("--out", "-o", help="Folder of tables and figures.", rich_help_panel=OUTPUT)
]
Temperatures = Annotated[
    str,
    typer.Option(
        help="K; one, or one per trajectory: 600,700. Default: the file's.",
        rich_help_panel=READING,
        show_default=False,
    ),
]
FrameStep = Annotated[
    float,
    typer.Option(
        help="Time between two frames of the file, fs: MD step times the steps between frames. "
        "Default: the file's.",
        rich_help_panel=READING,
        show_default=False,
    ),
]
Skip = Annotated[float, typer.Option(help="Equilibration to drop, ps.", rich_help_panel=READING)]
Every = Annotated[int, typer.Option(help="Keep every n-th frame.", rich_help_panel=READING)]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        help="xdatcar, vasprun, cp2k_xyz, dcd, extxyz, ase_traj, lammps, npz or displacements, if "
        "the name does not tell.",
        rich_help_panel=READING,
        show_default=False,
    ),
]
Cell = Annotated[
    str,
    typer.Option(
        help="a,b,c or nine numbers, Å, if the file has no cell (plain XYZ, CP2K without .cell).",
        rich_help_panel=READING,
        show_default=False,
    ),
]
Types = Annotated[
    str,
    typer.Option(
        help="Elements of LAMMPS types 1, 2, …: Li,P,S.",
        rich_help_panel=READING,
        show_default=False,
    ),
]
Topology = Annotated[
    Path | None,
    typer.Option(
        help="CIF, POSCAR, XYZ or PDB that names a DCD's atoms.",
        rich_help_panel=READING,
        show_default=False,
    ),
]
Replicas = Annotated[
    bool,
    typer.Option(
        "--replicas",
        help="Each file is a run of its own, even where one goes on where another ends.",
        rich_help_panel=READING,
    ),
]
Continue = Annotated[
    bool,
    typer.Option(
        "--continue",
        help="The files of one temperature are pieces of one run, in the order in which they are "
        "named.",
        rich_help_panel=READING,
    ),
]
Charges = Annotated[
    str,
    typer.Option(
        help="Charges, e: Li=1,P=5,S=-2. Default: the usual valences.",
        rich_help_panel=CHOICES,
        show_default=False,
    ),
]
Held = Annotated[
    str,
    typer.Option(
        help="What displacements are relative to: immobile elements (P,S), mass (centre of mass of "
        "the cell, the barycentric frame) or none (as simulated). Default: centres of polyanions, "
        "else the sublattice that stays, else the centre of mass.",
        rich_help_panel=CHOICES,
        show_default=False,
    ),
]
Hop = Annotated[
    float,
    typer.Option(
        help="Length of a jump, Å. Default: the like-neighbour distance.",
        rich_help_panel=CHOICES,
        show_default=False,
    ),
]
Earliest = Annotated[
    float,
    typer.Option(
        help="Fits start no earlier, ps (nor than a tenth of the run).", rich_help_panel=CHOICES
    ),
]
PosteriorOption = Annotated[
    str,
    typer.Option(
        "--posterior",
        help="What gives D and its interval: auto (kinisi where it is installed and its "
        "assumptions hold, else the closed form), kinisi, or closed-form.",
        rich_help_panel=CHOICES,
    ),
]
Pairs = Annotated[
    str,
    typer.Option(
        help="Pairs in overview.png: I-Li,P-S. Default: bonds, and pairs of the mobile ions.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
Figures = Annotated[
    bool, typer.Option("--figures/--no-figures", help="PNG, SVG and PDF.", rich_help_panel=OUTPUT)
]
Volumes = Annotated[
    bool, typer.Option("--volumes", help="Densities as cube and CHGCAR.", rich_help_panel=OUTPUT)
]

Potential = Annotated[
    str,
    typer.Option(
        help="What gave the forces, for headings: 'PBE, PAW'. A run of dualion md says it itself.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
Defects = Annotated[
    str,
    typer.Option(
        help="Defects of the cell, for headings; perfect for none.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose/--brief",
        help="Print, below the summary, blocks, directions, jumps, barriers, rotation and "
        "transport of each run.",
        rich_help_panel=OUTPUT,
    ),
]
