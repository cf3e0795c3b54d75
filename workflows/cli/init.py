"""``dualion init``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dualion.screening.criterion import DaiCriterion
from dualion.structures.errors import InputError
from dualion.structures.text import json_text

TEMPLATE = """\
# A dualion campaign. Run or resume it with: dualion run {file}
# Relative paths start at this file's folder. Lines that begin with # show the defaults.

name: {name}                       # in the queue and in logs

sources:                           # read in this order; each entry is one source of one kind
  - files: [{files}]   # files, folders, globs, archives
  # - bundled: true                # the reference set of this package
  # - database: mp                 # mp, cod, optimade:NAME, icsd:PATH or icsd-api
  #   query:                       # what is asked of it
  #     elements: [Li]             # also any_of, exclude, max_sites, nonmetals_only, limit
  #     max_energy_above_hull_ev_atom: 0.05   # also min_band_gap_ev, theoretical

ions:
  cations: [Li]                    # mobile cations: Li, Na, K, Ag, Cu, Mg, Ca, Zn, …
  anions: []                       # empty: every anion of a structure
  # guests: [I, Br, Cl, F]         # anions that are put into every structure

criterion:                         # a change computes nothing anew
  max_cation_barrier_ev: {max_cation_barrier_ev}       # eV
  min_ratio: {min_ratio}                   # barrier of the anion over that of the cation
  max_ratio: {max_ratio}
  dimensionality: {dimensionality}                # barriers that decide: 1, 2 or 3 (D)
  # reading: {reading}     # or {other_reading}

barriers:                          # a change computes every structure anew
  spacing_angstrom: 0.2            # largest distance of grid points, Å
  # engine: native                 # or bvlain, to compare
  # preset: dualion                # conventions: dualion, bvlain (the published recipe), …
  # mechanism: vacancy             # how the anion moves: vacancy, interstitial, empty_lattice
  # lattice: relaxing              # or rigid: whether the ions around a hop give way
  # morse_prefactor: 0.5           # fraction of D0 in the Morse term
  # screening_factor: 0.74         # f of the Coulomb term
  # radii: ase                     # covalent radii: ase or softbv
  # cutoff_angstrom: 10.0          # reach of the pair energies, Å
  # disorder: shortlist            # or ensemble (all), weighted: ordered configurations too
  # refuse_estimates: false        # true: reject ions without tabulated pair parameters
  # strict: false                  # true: reject structures whose charges balance by force

# shortlist:                       # what passes and is no candidate; a change computes nothing anew
#   avoid: [radioactive, toxic]    # or elements
#   keep_doubtful: false           # true: keep structures with lost or wrong atoms
#   properties: known.csv          # energy_above_hull, band_gap and further ids by material_id

# ranking:                         # weights of the score's parts; a change computes nothing anew
#   stability: 1                   # the power of a part, 0 leaves it out; see docs/ranking.md

run:                               # a change computes nothing anew
  time_limit_s: 300                # longest time for one structure, s
  # dashboard: 127.0.0.1:8787      # address of Dask's dashboard; none without it
  # offline: false                # true: use the caches of databases alone

cluster:
  kind: local                      # {kinds}
  workers: 0                       # kind local: processes, 0 for one a core
  # memory_per_worker: auto        # such as 2GB; needed for a batch system
  # address: tcp://host:8786       # kind address: a Dask scheduler that runs already
  # queue: normal                  # batch systems: queue or partition
  # project: my-account            # account that is charged
  # walltime: "01:00:00"           # time of one job; workers retire before it ends
  # cores_per_job: 1               # one worker for each core
  # min_jobs: 0                    # jobs at a time, at least and at most
  # max_jobs: 10
  # interface: ib0                 # network interface of the workers
  # prologue: []                   # shell lines before the work, such as: module load python
  # directives: []                 # further lines for the head of the job script
  # node_scratch: /tmp             # folder on the node's own disk, for caches

# md:                              # molecular dynamics of the candidates: dualion md --help
#   engine: chgnet                 # a potential (dualion doctor), cp2k, vasp or module:Class
#   model_path: model.pt           # its parameters; a model file is code, trust its author
#   protocol:                      # what is given replaces what the protocol says
#     name: mlip                   # or cen2025, the published AIMD protocol
#     temperatures_k: [600, 700, 800]
#     production_ps: 20            # analysed in any case; then on in blocks up to budget_ps
#     budget_ps: 100               # also replicas, timestep_fs, thermostat, equilibration_ps, …
#   candidates: 3                  # how many from the top
#   free_anions_only: true         # leave out anions that are bound in polyanions
#   anions: []                     # empty: every anion
#   cells: [perfect, schottky]     # also frenkel, salt:LiI
#   defect_pairs: 1                # or defects_per_formula_unit: 0.05
#   smallest_width_angstrom: 10    # of the cell, Å
#   most_atoms: 200
#   seed: 1
#   cores: 1                       # of one run; also gpus, device, launcher
#   walltime: "12:00:00"           # of one segment in the queue
#   template: job.sh               # your own script with {{{{header}}}} and {{{{command}}}}

# store: postgresql://user@host/database   # without it: campaign.db beside this file
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("init")(init)


def init(
    folder: Annotated[
        Path, typer.Argument(help="Folder of the campaign; made if need be.", show_default=False)
    ] = Path(),
    files: Annotated[
        list[str] | None,
        typer.Option(help="Files, folders, globs or archives to screen; repeat for several."),
    ] = None,
) -> None:
    """Write a commented campaign.yaml to start from."""
    target = write_template(folder, files or ["structures/"])
    typer.echo(f"Wrote {target}. Look it over, then: dualion run {target} --dry-run")


def write_template(folder: Path, files: list[str]) -> Path:
    """Write ``campaign.yaml`` into a folder.

    Args:
        folder: of the campaign; it is made where it is missing, and names the campaign.
        files: structure files, folders or globs that the campaign is to screen.

    Returns:
        The file.

    Raises:
        InputError: there is one already, or the folder cannot be written to.
    """
    from dualion.workflows.execution.cluster_config import KINDS

    target = folder / "campaign.yaml"
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in folder.resolve().name)
    quoted = ", ".join(json_text(_beside(folder, path)) for path in files)
    text = TEMPLATE.format(
        file=target.name,
        name=json_text(name or "campaign"),
        files=quoted,
        kinds=f"{', '.join(KINDS[:-1])} or {KINDS[-1]}",
        **asdict(DaiCriterion()),
        other_reading=DaiCriterion().other_reading,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as handle:
            handle.write(text)
    except FileExistsError:
        raise InputError(
            f"{target} is there already; run it with dualion run, or choose another folder."
        ) from None
    except OSError as error:
        raise InputError(
            f"Cannot write {target}: {error.strerror}. Choose another folder."
        ) from error
    return target


def _beside(folder: Path, path: str) -> str:
    """A path as seen from the campaign's folder: one that exists here becomes absolute."""
    return str(Path(path).resolve()) if Path(path).exists() and path != "structures/" else path
