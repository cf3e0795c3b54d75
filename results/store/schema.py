"""Tables of the store.

``structures`` holds each distinct structure once, by the hash of its text; ``entries`` says which
structure stands where in the input; ``tasks`` holds one row of ``screened.csv`` each, keyed by
structure, ions and conventions. A verdict is no part of a task's key: it is judged at export.
``md_runs`` holds one MD run of a candidate each; the run's own folder has its frames. ``neb_pairs``
holds the barriers of a candidate with a potential; the folder ``neb/`` has its bands.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

VERSION = 5
"""Version of this schema; ``migrations`` brings older stores to it."""

metadata = MetaData()
_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers only INTEGER keys by itself

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

structures = Table(
    "structures",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),  # hash of format and text
    Column("format", Text, nullable=False),
    Column("text", LargeBinary, nullable=False),  # UTF-8, compressed by zlib
    Column("cost_s", Float, nullable=False),  # estimated computing time, s
    Column("asked", Text),  # hash of what was last asked of it and is done
    Column("cations", Text),  # symbols of all its cations; NULL until it was prepared
    Column("anions", Text),
)
Index("ix_structures_cost", structures.c.cost_s, structures.c.id)

entries = Table(
    "entries",
    metadata,
    Column("plan", Integer, primary_key=True),  # number of the reading of the sources
    Column("position", _Id, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("metadata", Text, nullable=False),  # JSON
    Column("structure_id", _Id, ForeignKey("structures.id")),  # NULL for a rejection
    Column("reason", Text),  # of a rejection
    Column("message", Text),
)
Index("ix_entries_structure", entries.c.structure_id)

layouts = Table(
    "layouts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("columns", Text, nullable=False, unique=True),  # JSON list of column keys
)

tasks = Table(
    "tasks",
    metadata,
    Column("key", Text, primary_key=True),
    Column("structure_id", _Id, ForeignKey("structures.id"), nullable=False),
    Column("scope", Text, nullable=False),  # hash of the options that it holds for
    Column("cation", Text, nullable=False),  # symbol, or all that were asked for
    Column("anion", Text, nullable=False),  # symbol, or empty
    Column("status", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("reason", Text),
    Column("seconds", Float),
    Column("layout", Integer, ForeignKey("layouts.id"), nullable=False),
    Column("row", Text, nullable=False),  # JSON list, values of the layout's columns
    Column("traceback", Text),
)
Index("ix_tasks_structure", tasks.c.structure_id)

md_runs = Table(
    "md_runs",
    metadata,
    Column("key", Text, primary_key=True),  # hash of all that decides the run's numbers
    Column("structure_key", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("formula", Text, nullable=False),
    Column("cation", Text, nullable=False),
    Column("anion", Text, nullable=False),
    Column("cell", Text, nullable=False),  # perfect, or the name of its defects
    Column("engine", Text, nullable=False),
    Column("temperature_k", Float, nullable=False),
    Column("replica", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),  # why it ended or stopped, empty while all is well
    Column("message", Text, nullable=False),
    Column("spec", Text, nullable=False),  # JSON
    Column("progress", Text, nullable=False),  # JSON, as last read from the run's folder
    Column("job", Text, nullable=False),  # number in the batch system's queue, or empty
    Column("scheduler", Text, nullable=False),
    Column("place", Text, nullable=False),  # the run's folder below md/
    Column("results", Text),  # JSON: species with D and errors, transport numbers; NULL before
)
Index("ix_md_runs_structure", md_runs.c.structure_key)

neb_pairs = Table(
    "neb_pairs",
    metadata,
    Column("structure_key", Text, primary_key=True),  # first part of the row's key
    Column("cation", Text, primary_key=True),  # with its charge
    Column("anion", Text, primary_key=True),
    Column("potential", Text, nullable=False),
    Column("results", Text, nullable=False),  # JSON: barriers, hops, flags, pair energies
)
