"""The transport under every session: retries, waits, limits.

Polite: one request at a time with a pause between them, retries with growing pauses, and
``Retry-After`` obeyed. Suspicious: an answer has a size and a time limit, and a flood of headers
is cut off.
"""

from __future__ import annotations

import datetime
import email.utils
import http.client
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from dualion.structures.sources.errors import (
    SourceAnswerError,
    SourceError,
    SourceUnavailableError,
    redact,
)
from dualion.structures.sources.http_deadline import Deadline, limit_pools

RETRIED_STATUS = frozenset({408, 429, 500, 502, 503, 504})
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPolicy:
    """How a source is treated.

    Attributes:
        attempts: how often one request is tried in all.
        first_pause_s: pause before the second attempt, s; it doubles each time.
        longest_pause_s: longest pause, s; a server that asks for more is given up for now.
        between_requests_s: shortest time between two requests, s.
        connect_timeout_s: longest wait for a connection, s.
        read_timeout_s: longest silence within an answer, s.
        total_timeout_s: longest time for one whole answer, its headers included, s.
        body_bytes: largest body, in bytes after decompression.
    """

    attempts: int = 5
    first_pause_s: float = 1.0
    longest_pause_s: float = 120.0
    between_requests_s: float = 0.1
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    total_timeout_s: float = 600.0
    body_bytes: int = 256 * MEBIBYTE


DEFAULT_POLICY = HttpPolicy()


@dataclass(slots=True, kw_only=True)
class _Failure:
    """Why an attempt failed, how long the server asks to wait, and whether to try again."""

    error: SourceError
    wait_s: float | None = None
    final: bool = False


class PoliteAdapter(HTTPAdapter):
    """Transport that retries, waits and bounds; every answer it gives is read to its end."""

    def __init__(
        self,
        *,
        source: str,
        policy: HttpPolicy = DEFAULT_POLICY,
        secrets: tuple[str, ...] = (),
        is_valid: Callable[[requests.Response], bool] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._deadline = Deadline()
        super().__init__(max_retries=0)
        self._source = source
        self._policy = policy
        self._secrets = secrets
        self._is_valid = is_valid
        self._sleep = sleep
        self._last_request = -1e9

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """Make the pools, with connections that keep to the deadline."""
        super().init_poolmanager(*arguments, **named)
        limit_pools(self.poolmanager, self._deadline)

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        """The pools of a proxy, with connections that keep to the deadline."""
        manager = super().proxy_manager_for(proxy, **named)
        limit_pools(manager, self._deadline)
        return manager

    def send(  # type: ignore[no-untyped-def]  # the signature is that of requests
        self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None
    ):
        """Send one request, again if need be.

        Args:
            request: the prepared request.
            stream: not used; answers are read whole, within the limits of the policy.
            timeout: not used; the policy says how long to wait.
            verify: whether, or by which certificates, the server is verified.
            cert: certificate of the client, if any.
            proxies: address of the proxy for each scheme, if any.

        Raises:
            SourceUnavailableError: no usable answer came in all attempts.
            SourceAnswerError: the answer breaks a limit; it is not asked for again.
        """
        failure: _Failure | None = None
        for attempt in range(self._policy.attempts):
            if failure is not None:
                self._sleep(self._pause(attempt, failure.wait_s))
            response, failure = self._attempt(request, verify, cert, proxies)
            if failure is None:
                return response
            if failure.final or (failure.wait_s or 0) > self._policy.longest_pause_s:
                raise failure.error from None
        assert failure is not None
        raise failure.error from None

    def _attempt(  # type: ignore[no-untyped-def]
        self, request, verify, cert, proxies
    ) -> tuple[requests.Response | None, _Failure | None]:
        policy = self._policy
        self._keep_distance()
        self._deadline.start(policy.total_timeout_s)
        try:
            response = super().send(
                request,
                stream=True,
                timeout=(policy.connect_timeout_s, policy.read_timeout_s),
                verify=verify,
                cert=cert,
                proxies=proxies,
            )
            self._read_body(response)
        except SourceAnswerError as error:
            return None, _Failure(error=error, final=True)
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            http.client.HTTPException,
            OSError,
            ValueError,  # what http.client and urllib3 raise on headers that are none
        ) as error:
            if self._deadline.is_over:
                return None, _Failure(error=self._cut_off("takes too long"), final=True)
            return None, self._transport_failure(error)
        finally:
            self._last_request = time.monotonic()
        if response.status_code in RETRIED_STATUS:
            return None, self._status_failure(response)
        if self._is_valid and response.status_code < 300 and not self._is_valid(response):
            return None, _Failure(
                error=SourceAnswerError(
                    f"{self._source}: the answer is no valid JSON, also when asked again. Try "
                    "again later."
                )
            )
        return response, None

    def _keep_distance(self) -> None:
        early = self._last_request + self._policy.between_requests_s - time.monotonic()
        if early > 0:
            self._sleep(early)

    def _pause(self, attempt: int, asked_s: float | None) -> float:
        if asked_s is not None:
            return asked_s
        growing = self._policy.first_pause_s * 2.0 ** (attempt - 1)
        return min(growing * random.uniform(0.75, 1.25), self._policy.longest_pause_s)

    def _read_body(self, response: requests.Response) -> None:
        """Read the whole body within the limits.

        Raises:
            SourceAnswerError: it is larger or slower than the limits.
        """
        size, chunks = 0, []
        for chunk in response.iter_content(65536):
            size += len(chunk)
            late = self._deadline.is_over
            if size > self._policy.body_bytes or late:
                response.close()
                what = "takes too long" if late else f"is larger than {self._policy.body_bytes} B"
                raise self._cut_off(what)
            chunks.append(chunk)
        # The body is consumed; requests offers no public way to put it back.
        response._content = b"".join(chunks)
        response._content_consumed = True  # type: ignore[attr-defined]

    def _cut_off(self, what: str) -> SourceAnswerError:
        return SourceAnswerError(
            f"{self._source}: an answer {what} and was cut off. Ask for less at once."
        )

    def _transport_failure(self, error: Exception) -> _Failure:
        if _has_flooded_headers(error):
            return _Failure(
                error=SourceAnswerError(
                    f"{self._source}: the server sends more headers than any answer needs, and was "
                    "cut off. Check the address."
                ),
                final=True,
            )
        return _Failure(
            error=SourceUnavailableError(
                f"{self._source} cannot be reached ({plain_cause(error, self._secrets)}). Check "
                "the network, try again later, or use --offline for what is in the cache."
            )
        )

    def _status_failure(self, response: requests.Response) -> _Failure:
        wait_s = retry_after_s(response.headers.get("Retry-After"))
        busy = "asks to wait" if response.status_code == 429 else "has a fault of its own"
        when = f" for {wait_s:.0f} s" if wait_s else ""
        return _Failure(
            wait_s=wait_s,
            error=SourceUnavailableError(
                f"{self._source} {busy}{when} (HTTP {response.status_code}). Try again later; what "
                "was fetched so far is in the cache."
            ),
        )


def retry_after_s(value: str | None) -> float | None:
    """Seconds that a ``Retry-After`` header asks for; None without or if it is neither form."""
    text = (value or "").strip()[:100]
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return max(0.0, (moment - datetime.datetime.now(datetime.UTC)).total_seconds())
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError):
        return None  # any text may stand there


def _causes(error: BaseException) -> list[BaseException]:
    """An error and everything inside and behind it."""
    found: list[BaseException] = []
    queue: list[BaseException] = [error]
    while queue and len(found) < 20:
        current = queue.pop(0)
        if current in found:
            continue
        found.append(current)
        inside = [arg for arg in current.args if isinstance(arg, BaseException)]
        behind = [current.__cause__, current.__context__, getattr(current, "reason", None)]
        queue += inside + [item for item in behind if isinstance(item, BaseException)]
    return found


def _has_flooded_headers(error: Exception) -> bool:
    return any(
        isinstance(cause, http.client.LineTooLong)
        or (isinstance(cause, http.client.HTTPException) and "headers" in str(cause))
        for cause in _causes(error)
    )


def plain_cause(error: Exception, secrets: tuple[str, ...]) -> str:
    """Say in a few words why a connection failed, without addresses of objects.

    Args:
        error: what was raised.
        secrets: texts that must not appear in the answer.
    """
    for cause in reversed(_causes(error)):
        if isinstance(cause, OSError) and cause.strerror:
            return redact(cause.strerror, secrets)
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        return "the connection broke"
    return redact(type(error).__name__, secrets)
