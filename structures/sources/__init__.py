"""Structures from where users have them: files, ICSD, Materials Project, OPTIMADE.

A source gives raw entries and rejections (``base``); ``open_sources`` makes sources of what a
user names; ``select`` filters what they give and finds duplicates. What servers send is kept in
a ``Cache``, so that the same query costs no request twice and works offline.
"""

from structures.sources.base import Access, Source
from structures.sources.cache import Cache
from structures.sources.duplicates import MatchOptions
from structures.sources.errors import (
    MissingCredentialsError,
    OfflineError,
    SourceAnswerError,
    SourceError,
    SourceUnavailableError,
)
from structures.sources.icsd_api import IcsdApiSource
from structures.sources.local import FilesSource, IcsdExportSource
from structures.sources.materials_project import MaterialsProjectSource
from structures.sources.open import entries_of, open_source, open_sources
from structures.sources.optimade import OptimadeSource
from structures.sources.prefilters import MeasurementLimits, Prefilter, standard_filters
from structures.sources.query import SourceQuery
from structures.sources.selection import Selection, select

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
