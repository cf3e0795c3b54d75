"""Crystal structures from files, folders, globs and archives.

``iter_raw_entries`` cuts what it is given into one text per structure, cheaply and without
holding it all; ``parse_entry`` makes a record of one text and is what workers run;
``read_structures`` does both.
"""

from dualion.structures.files.bundled import reference_paths
from dualion.structures.files.entries import count_entries, iter_raw_entries
from dualion.structures.files.limits import DEFAULT_LIMITS, ReadLimits
from dualion.structures.files.parse import parse_entry, read_structures

__all__ = [
    "DEFAULT_LIMITS",
    "ReadLimits",
    "count_entries",
    "iter_raw_entries",
    "parse_entry",
    "read_structures",
    "reference_paths",
]
