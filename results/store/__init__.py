"""The campaign store: every structure, every task, in SQLite or PostgreSQL.

One process writes; any number may read. ``Store`` is what the workflows use.
"""

from results.store.database import StoreError
from results.store.store import Entry, Pending, Store, TaskRecord

__all__ = ["Entry", "Pending", "Store", "StoreError", "TaskRecord"]
