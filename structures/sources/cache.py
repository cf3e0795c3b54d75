"""The cache of what sources sent: content-addressed, verified, safe with several processes.

Layout of the folder::

    index/SOURCE/ab/abcd….json     key of a request: which object it gave, and when
    objects/12/1234….gz            the answer, named by the SHA-256 of its bytes

Files appear by renaming a finished temporary file, so that a reader sees all of one or
nothing. An object whose bytes do not have its name is damaged: it is deleted and counts as
absent, so that it is fetched again. The folder is readable by its owner only, since licensed
content may lie in it.
"""

from __future__ import annotations

import contextlib
import datetime
import gzip
import hashlib
import json
import os
import re
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dualion.structures.atomic_write import write_bytes
from dualion.structures.errors import InputError
from dualion.structures.sources.query import digest

SCHEMA = 1
"""Raised when the layout changes; older entries then count as absent."""

LARGEST_OBJECT_BYTES = 1024**3
"""An object that unpacks to more is damaged or forged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedAnswer:
    """An answer from the cache.

    Attributes:
        data: the bytes as they were stored.
        retrieved: when they came from the source, ISO 8601, UTC.
    """

    data: bytes
    retrieved: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheUse:
    """How much one source holds: number of answers, and bytes on disk as stored."""

    answers: int
    stored_bytes: int


def default_folder() -> Path:
    """``$DUALION_CACHE``, else the user's cache folder of the platform."""
    chosen = os.environ.get("DUALION_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return Path(user_cache_path("dualion", appauthor=False))


class Cache:
    """Answers of sources on disk.

    Args:
        folder: where; made when first written to. None for ``default_folder``.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()

    def get(self, source: str, key: str) -> CachedAnswer | None:
        """Look up the answer to a request; None where there is none that is whole.

        A damaged answer is removed on the way.

        Args:
            source: name of the source.
            key: text that identifies the request within the source.
        """
        path = self._index_path(source, key)
        try:
            index = json.loads(path.read_text(encoding="utf-8"))
            name, retrieved = str(index["object"]), str(index["retrieved"])
            if index["schema"] != SCHEMA or index["key"] != digest(source, key):
                return None
            data = self._read_object(name)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, EOFError, zlib.error):
            path.unlink(missing_ok=True)
            return None
        return CachedAnswer(data=data, retrieved=retrieved)

    def put(self, source: str, key: str, data: bytes) -> CachedAnswer:
        """Store an answer; it replaces an older one of the same request.

        Args:
            source: name of the source.
            key: text that identifies the request within the source.
            data: the answer, uncompressed.

        Raises:
            InputError: the folder cannot be written to.
        """
        retrieved = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        name = hashlib.sha256(data).hexdigest()
        index = {
            "schema": SCHEMA,
            "key": digest(source, key),
            "object": name,
            "bytes": len(data),
            "retrieved": retrieved,
        }
        try:
            object_path = self._object_path(name)
            if not self._is_whole(name):
                _write_atomically(object_path, gzip.compress(data, 6, mtime=0))
            _write_atomically(self._index_path(source, key), json.dumps(index).encode())
        except OSError as error:
            raise InputError(
                f"The cache folder {self.folder} cannot be written to ({error.strerror}). Free "
                "space or set DUALION_CACHE to another folder."
            ) from error
        return CachedAnswer(data=data, retrieved=retrieved)

    def forget(self, source: str, key: str) -> None:
        """Drop the answer to one request.

        Args:
            source: name of the source.
            key: text that identifies the request within the source.
        """
        self._index_path(source, key).unlink(missing_ok=True)

    def clear(self, source: str | None = None) -> None:
        """Drop everything of one source, or the whole cache; unused objects go too."""
        folder = self.folder / "index"
        shutil.rmtree(folder / _safe(source) if source else folder, ignore_errors=True)
        used = {name for _, name in self._indexed()}
        for path in (self.folder / "objects").glob("??/*.gz"):
            if path.stem not in used:
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, source: str, key: str) -> Iterator[None]:
        """Let one process at a time fetch one thing; the others then find it in the cache.

        The lock ends with the process that holds it. Where the file system knows no locks,
        processes may fetch the same thing twice, which costs requests and harms nothing.

        Args:
            source: name of the source.
            key: text that identifies the thing within the source.
        """
        path = self.folder / "locks" / digest(source, key)[:16]
        _make_private(path.parent)
        with path.open("ab") as handle:
            locked = _try_lock(handle.fileno())
            try:
                yield
            finally:
                if locked:
                    _unlock(handle.fileno())

    def use(self) -> dict[str, CacheUse]:
        """Answers and bytes on disk of each source (an object shared by two counts for both)."""
        answers: dict[str, int] = {}
        stored: dict[str, int] = {}
        for source, name in self._indexed():
            answers[source] = answers.get(source, 0) + 1
            with contextlib.suppress(OSError):
                stored[source] = stored.get(source, 0) + self._object_path(name).stat().st_size
        return {
            source: CacheUse(answers=count, stored_bytes=stored.get(source, 0))
            for source, count in sorted(answers.items())
        }

    def _indexed(self) -> Iterator[tuple[str, str]]:
        """Source and object name of every readable index file."""
        for path in (self.folder / "index").glob("*/??/*.json"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                index = json.loads(path.read_text(encoding="utf-8"))
                yield path.parent.parent.name, str(index["object"])

    def _read_object(self, name: str) -> bytes:
        """Bytes of an object.

        Raises:
            ValueError: the bytes are not those that were stored; the file is gone now.
        """
        path = self._object_path(name)
        try:
            with gzip.open(path) as stream:
                data = stream.read(LARGEST_OBJECT_BYTES + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            data = b""
        if hashlib.sha256(data).hexdigest() != name:
            path.unlink(missing_ok=True)
            raise ValueError("damaged object")
        return data

    def _is_whole(self, name: str) -> bool:
        try:
            self._read_object(name)
        except (OSError, ValueError):
            return False
        return True

    def _object_path(self, name: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{64}", name):
            raise ValueError("bad object name")
        return self.folder / "objects" / name[:2] / f"{name}.gz"

    def _index_path(self, source: str, key: str) -> Path:
        name = digest(source, key)
        return self.folder / "index" / _safe(source) / name[:2] / f"{name}.json"


def _safe(source: str) -> str:
    """A source's name as a folder name."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", source)[:80].lstrip(".")
    return plain if plain == source else f"{plain}-{digest(source)[:8]}"


def _make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner only."""
    missing = [part for part in (folder, *folder.parents) if not part.exists()]
    for part in reversed(missing):
        with contextlib.suppress(FileExistsError):
            part.mkdir(mode=0o700)


def _write_atomically(path: Path, data: bytes) -> None:
    _make_private(path.parent)
    write_bytes(path, data, mode=0o600)


def _try_lock(descriptor: int) -> bool:
    """Wait for an exclusive lock; False where the platform has none."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return False
    return True


def _unlock(descriptor: int) -> None:
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_UN)
