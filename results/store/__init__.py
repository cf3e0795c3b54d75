"""The campaign store: every structure, every task, in SQLite or PostgreSQL.

One process writes; any number may read. ``Store`` is what the workflows use.
"""

from dualion.results.store.database import EmptyStoreError, StoreError
from dualion.results.store.md_runs import MdRun, MdRuns
from dualion.results.store.neb_pairs import read_neb_pairs, write_neb_pairs
from dualion.results.store.records import Entry, Pending, TaskRecord
from dualion.results.store.shards import copy_structures, merge
from dualion.results.store.store import Store

__all__ = [
    "EmptyStoreError",
    "Entry",
    "MdRun",
    "MdRuns",
    "Pending",
    "Store",
    "StoreError",
    "TaskRecord",
    "copy_structures",
    "merge",
    "read_neb_pairs",
    "write_neb_pairs",
]
