"""Structures from where users have them: files, ICSD, Materials Project, OPTIMADE.

A source gives raw entries and rejections (``base``); ``open_sources`` makes sources of what a
user names; ``select`` filters what they give and finds duplicates. What servers send is kept in
a ``Cache``, so that the same query costs no request twice and works offline.
"""

from dualion.structures.sources.base import Access, Source
from dualion.structures.sources.cache import Cache
from dualion.structures.sources.duplicates import MatchOptions
from dualion.structures.sources.errors import (
    MissingCredentialsError,
    OfflineError,
    SourceAnswerError,
    SourceError,
    SourceUnavailableError,
)
from dualion.structures.sources.icsd.api import IcsdApiSource
from dualion.structures.sources.local import FilesSource, IcsdExportSource
from dualion.structures.sources.materials_project.source import MaterialsProjectSource
from dualion.structures.sources.open import entries_of, open_source, open_sources
from dualion.structures.sources.optimade.source import OptimadeSource
from dualion.structures.sources.prefilters import MeasurementLimits, Prefilter, standard_filters
from dualion.structures.sources.query import SourceQuery
from dualion.structures.sources.selection import Selection, select

__all__ = [
    "Access",
    "Cache",
    "FilesSource",
    "IcsdApiSource",
    "IcsdExportSource",
    "MatchOptions",
    "MaterialsProjectSource",
    "MeasurementLimits",
    "MissingCredentialsError",
    "OfflineError",
    "OptimadeSource",
    "Prefilter",
    "Selection",
    "Source",
    "SourceAnswerError",
    "SourceError",
    "SourceQuery",
    "SourceUnavailableError",
    "entries_of",
    "open_source",
    "open_sources",
    "select",
    "standard_filters",
]
