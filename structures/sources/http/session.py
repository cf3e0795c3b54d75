"""HTTP for every source that talks to a server: a session that keeps to its host, and JSON.

Redirects and links never lead to another host, since a key would go with them, and texts that
a server sends are shortened and rid of secrets before they are shown.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from dualion.structures.sources.errors import SourceAnswerError, SourceError, redact
from dualion.structures.sources.http.transport import (
    DEFAULT_POLICY,
    HttpPolicy,
    PoliteAdapter,
    plain_cause,
)

__all__ = ["DEFAULT_POLICY", "HttpClient", "HttpPolicy", "PoliteSession", "stays_on_host"]


class PoliteSession(requests.Session):
    """A session whose redirects stay on the host, over ``PoliteAdapter``."""

    def __init__(self, adapter: PoliteAdapter, *, source: str, headers: dict[str, str]) -> None:
        super().__init__()
        self._source = source
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        self.headers.update({"User-Agent": user_agent(), "Accept": "application/json", **headers})
        self.max_redirects = 5

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Where a redirect leads.

        Raises:
            SourceAnswerError: to another host, or from https to http.
        """
        target = super().get_redirect_target(resp)
        if (
            target
            and resp.url
            and not stays_on_host(requests.compat.urljoin(resp.url, target), resp.url)
        ):
            raise SourceAnswerError(
                f"{self._source}: the server sends the request on to another host, which is not "
                "followed. Give the new address if you trust it."
            )
        return target


@dataclass(slots=True, kw_only=True)
class HttpClient:
    """What sources use: GET and POST with all of the above, and JSON.

    Attributes:
        source: name for messages.
        policy: limits and pauses.
        headers: sent with every request.
        secrets: texts that must never be shown.
        json_answers: answers that are no JSON are asked for again.
        sleep: how to wait; tests replace it.
    """

    source: str
    policy: HttpPolicy = DEFAULT_POLICY
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    json_answers: bool = True
    sleep: Callable[[float], None] = time.sleep
    _session: PoliteSession | None = field(default=None, repr=False)

    @property
    def session(self) -> PoliteSession:
        """The session behind the client, made when first used."""
        if self._session is None:
            adapter = PoliteAdapter(
                source=self.source,
                policy=self.policy,
                secrets=self.secrets,
                is_valid=is_json if self.json_answers else None,
                sleep=self.sleep,
            )
            self._session = PoliteSession(adapter, source=self.source, headers=self.headers)
        return self._session

    def request(self, method: str, url: str, **arguments: Any) -> requests.Response:
        """Send a request.

        Args:
            method: HTTP method (``GET``, ``POST``).
            url: the full address.
            arguments: passed on to ``requests.Session.request``.

        Raises:
            SourceError: no answer, or one that is refused.
        """
        try:
            response = self.session.request(method, url, **arguments)
        except SourceError:
            raise
        except (requests.RequestException, ValueError) as error:
            raise SourceAnswerError(
                f"{self.source}: the request failed ({plain_cause(error, self.secrets)}). Check "
                "the address."
            ) from None
        if not response.ok:
            # The charset that a server names may be any text; UTF-8 shows what matters.
            said = redact(response.content[:4000].decode("utf-8", "replace"), self.secrets)[:150]
            raise SourceAnswerError(
                f"{self.source} refuses the request (HTTP {response.status_code}"
                f"{': ' + said if said else ''}). Check the query and the access rights."
            )
        return response

    def get_json(self, url: str, **arguments: Any) -> Any:
        """Decoded body of a GET request.

        Raises:
            SourceError: no answer, or one that is no JSON.
        """
        response = self.request("GET", url, **arguments)
        try:
            return json.loads(response.content)
        except (ValueError, RecursionError):
            raise SourceAnswerError(
                f"{self.source}: the answer is no valid JSON. Check the address."
            ) from None

    def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            self._session.close()
            self._session = None


def is_json(response: requests.Response) -> bool:
    """Whether the body is valid JSON."""
    try:
        json.loads(response.content)
    except (ValueError, RecursionError):
        return False
    return True


def user_agent() -> str:
    """Name and version of this program, as servers see them."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"dualion/{version('dualion')}"
    except PackageNotFoundError:
        return "dualion"


def stays_on_host(url: str, origin: str) -> bool:
    """Check whether a link leads to the same host and port; https may not fall back to http.

    Args:
        url: the full address of the link.
        origin: the address of the answer that holds it.
    """
    try:
        new, old = urlsplit(url), urlsplit(origin)
        ports = {"http": 80, "https": 443}
        if new.scheme not in ports or old.scheme not in ports:
            return False
        upgrade = (old.scheme, new.scheme) == ("http", "https")
        same_port = (new.port or ports[new.scheme]) == (old.port or ports[old.scheme])
        same_scheme = new.scheme == old.scheme
        plain = not (new.username or new.password)
    except ValueError:
        return False
    same_host = (new.hostname or "").lower() == (old.hostname or "").lower() != ""
    default_ports = new.port in (None, 443) and old.port in (None, 80)
    return plain and same_host and ((same_scheme and same_port) or (upgrade and default_ports))
