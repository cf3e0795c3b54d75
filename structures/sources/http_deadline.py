"""Connections whose answers end at a deadline: status line, headers and body together.

A timeout of a socket starts anew with every byte, so that a server that sends one byte a minute
is never given up. Here each wait for bytes is shortened to what is left until the deadline.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import time
from typing import Any, cast

import urllib3


class Deadline:
    """When the present answer must be complete; set anew for each request."""

    def __init__(self) -> None:
        self._ends = float("inf")

    def start(self, seconds: float) -> None:
        """Begin to count."""
        self._ends = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        """Seconds left; negative once it is over."""
        return self._ends - time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.left_s <= 0.0


class _TimedBytes(io.RawIOBase):
    """The bytes of a socket, each wait for them bounded by the deadline."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._socket = connection
        self._stream = connection.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Wait for bytes.

        Raises:
            TimeoutError: the deadline, or the socket's own timeout, is over.
        """
        left = self._deadline.left_s
        if left <= 0.0:
            raise TimeoutError("the answer takes too long")
        usual = self._socket.gettimeout()
        try:
            self._socket.settimeout(left if usual is None else min(usual, left))
            return cast("int | None", cast("Any", self._stream).readinto(buffer))
        finally:
            with contextlib.suppress(OSError):  # closed meanwhile
                self._socket.settimeout(usual)

    def close(self) -> None:
        """Close the stream; the socket lives until its last stream is closed."""
        if not self.closed:
            self._stream.close()
        super().close()


def limit_pools(manager: urllib3.PoolManager, deadline: Deadline) -> None:
    """Make every connection of a pool manager keep to a deadline.

    Args:
        manager: the pool manager; it is changed in place.
        deadline: when an answer must be complete.
    """

    class TimedResponse(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
            super().__init__(sock, *arguments, **named)
            self.fp.close()
            self.fp = io.BufferedReader(_TimedBytes(sock, deadline))

    class TimedHttp(urllib3.connection.HTTPConnection):
        response_class = TimedResponse

    class TimedHttps(urllib3.connection.HTTPSConnection):
        response_class = TimedResponse

    class HttpPool(urllib3.HTTPConnectionPool):
        ConnectionCls = TimedHttp

    class HttpsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = TimedHttps

    manager.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}
