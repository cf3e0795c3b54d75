"""The ICSD's web API: log in, search, fetch CIFs in batches, log out.

The protocol as FIZ Karlsruhe's API service (https://icsd.fiz-karlsruhe.de/ws, licensed apart
from the web page) is used by its public clients: ``POST auth/login`` with ``loginid`` and
``password`` gives a token in the header ``ICSD-Auth-Token``, valid for an hour; ``GET
search/expert`` answers with XML whose ``idnums`` lists internal ids; ``GET cif/multiple`` gives
the CIFs of several ids in one text; ``GET auth/logout`` ends the session.
"""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

import requests

from dualion.structures.errors import InputError
from dualion.structures.files.limits import DEFAULT_LIMITS
from dualion.structures.files.split import split
from dualion.structures.files.streams import BoundedStream, ReadProblem
from dualion.structures.records import RawEntry, Rejection
from dualion.structures.sources.base import Access, not_fetched, rejection
from dualion.structures.sources.errors import (
    MissingCredentialsError,
    SourceAnswerError,
    SourceError,
    SourceUnavailableError,
)
from dualion.structures.sources.http.session import DEFAULT_POLICY, HttpClient, HttpPolicy
from dualion.structures.sources.local import ICSD_LICENCE, UniqueNames, icsd_entry
from dualion.structures.sources.query import SourceQuery
from dualion.structures.sources.secrets import Login, icsd_login

NAME = "icsd_api"
ENDPOINT = "https://icsd.fiz-karlsruhe.de/ws/"
BATCH = 200
"""CIFs in one request; the service takes 500 at most."""
TOKEN_LIFETIME_S = 3300.0
"""A token ends after an hour; a new one is asked for a little earlier."""

CONTENT = {
    "inorganic": "EXPERIMENTAL_INORGANIC",
    "metalorganic": "EXPERIMENTAL_METALORGANIC",
    "theoretical": "THERORETICAL_STRUCTURES",  # the service's own spelling
}


def search_expression(query: SourceQuery) -> str:
    """The query in the expert search language; what it cannot say is left to the pre-filters.

    Raises:
        InputError: the query names neither elements nor collection codes.
    """
    parts = [f"composition : {symbol}" for symbol in sorted(query.elements)]
    if query.any_of:
        options = " or ".join(f"composition : {symbol}" for symbol in sorted(query.any_of))
        parts.append(f"({options})")
    if query.ids:
        codes = [re.sub(r"^icsd-", "", name) for name in query.ids]
        if not all(code.isdigit() for code in codes):
            raise InputError("ICSD ids are collection codes such as 1000 or icsd-1000.")
        options = " or ".join(f"collectioncode : {code}" for code in codes)
        parts.append(f"({options})")
    if not parts:
        raise InputError("The ICSD web API needs a query, for example --element Li.")
    return " and ".join(parts)


@dataclass(slots=True, kw_only=True)
class IcsdApiSource:
    """Structures of the ICSD through its web API.

    Attributes:
        query: what is asked; elements or collection codes at least.
        access: cache and network; content is written nowhere but into the cache.
        content: ``inorganic``, ``metalorganic`` or ``theoretical``.
        endpoint: address of the service.
        policy: pauses and limits.
        sleep: how to wait; tests replace it.

    Raises:
        InputError: the query or the content is not possible.
    """

    query: SourceQuery
    access: Access = field(default_factory=Access)
    content: str = "inorganic"
    endpoint: str = ENDPOINT
    policy: HttpPolicy = DEFAULT_POLICY
    sleep: Callable[[float], None] = time.sleep
    licence: str = field(default=ICSD_LICENCE, init=False)
    _session: _IcsdSession | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        search_expression(self.query)
        if self.content not in CONTENT:
            raise InputError(f"ICSD content is one of {', '.join(CONTENT)}, not {self.content!r}.")
        if not self.endpoint.endswith("/"):
            self.endpoint += "/"

    @property
    def name(self) -> str:
        """Name of the source; entries of exports and of the API are both ``icsd``."""
        return "icsd"

    def entries(self) -> Iterator[RawEntry | Rejection]:
        """Every structure that fits the query, by internal id.

        Raises:
            MissingCredentialsError: there is no login and the cache does not have it all.
            SourceError: the search cannot be made.
        """
        names = UniqueNames()
        try:
            ids, access = self._ids(), self.access
            for start in range(0, len(ids), BATCH):
                failure = yield from self._batch(ids[start : start + BATCH], names, access)
                if isinstance(failure, SourceUnavailableError):
                    access = replace(self.access, offline=True)
        finally:
            self._log_out()

    def _ids(self) -> list[str]:
        key = json.dumps(["ids", self.endpoint, self.content, search_expression(self.query)])
        answer = self.access.answer(NAME, key, self._fetch_ids)
        ids = sorted({int(name) for name in json.loads(answer.data)})
        return [str(name) for name in ids[: self.query.limit]]

    def _fetch_ids(self) -> bytes:
        parameters = [
            ("query", search_expression(self.query)),
            ("content type", CONTENT[self.content]),
        ]
        response = self._logged_in().get("search/expert", parameters, accept="application/xml")
        match = re.search(rb"<idnums\s*(?:/>|>([0-9\s,]*)</idnums>)", response.content)
        if match is None:
            raise SourceAnswerError(
                f"{NAME}: the answer to the search lists no ids. Check the query and the licence."
            )
        found = re.findall(r"[0-9]{1,12}", (match.group(1) or b"").decode("ascii"))
        return json.dumps(found).encode()

    def _batch(
        self, ids: list[str], names: UniqueNames, access: Access
    ) -> Generator[RawEntry | Rejection, None, SourceError | None]:
        key = json.dumps(["cifs", self.endpoint, self.content, ids])
        try:
            answer = access.answer(NAME, key, lambda: self._fetch_cifs(ids))
        except SourceError as error:
            yield from (not_fetched(self.name, f"idnum-{name}", error) for name in ids)
            return error
        theoretical = self.content == "theoretical"
        count = 0
        for entry in cif_entries(answer.data):
            count += 1
            yield icsd_entry(entry, names, retrieved=answer.retrieved, theoretical=theoretical)
        for number in range(count, len(ids)):
            yield rejection(
                self.name,
                f"idnum-{ids[0]}..{ids[-1]}#{number + 1}",
                "missing_document",
                f"The ICSD gave {count} CIFs for {len(ids)} ids of a batch; entries without "
                "coordinates have none. Look the ids up on the web page if you need them.",
            )
        return None

    def _fetch_cifs(self, ids: Sequence[str]) -> bytes:
        parameters = [("idnum", name) for name in ids]
        parameters += [
            ("celltype", "experimental"),
            ("windowsclient", "false"),
            ("filetype", "cif"),
        ]
        data = self._logged_in().get("cif/multiple", parameters, accept="application/cif").content
        if b"data_" not in data:
            raise SourceAnswerError(
                f"{NAME}: the answer to a request for {len(ids)} CIFs holds none. Try again later."
            )
        return data

    def _logged_in(self) -> _IcsdSession:
        if self._session is None:
            self._session = _IcsdSession(
                login=icsd_login(), endpoint=self.endpoint, policy=self.policy, sleep=self.sleep
            )
        return self._session

    def _log_out(self) -> None:
        if self._session is not None:
            self._session.log_out()
            self._session = None


class _IcsdSession:
    """A session of the service: one login, renewed when its token ends."""

    def __init__(
        self,
        *,
        login: Login,
        endpoint: str,
        policy: HttpPolicy,
        sleep: Callable[[float], None],
    ) -> None:
        self._login = login
        self._endpoint = endpoint
        self._policy = policy
        self._sleep = sleep
        self._http: HttpClient | None = None
        self._started = 0.0

    def get(
        self, path: str, parameters: list[tuple[str, str]], *, accept: str
    ) -> requests.Response:
        """Send one request with the token; a token that has ended is renewed once.

        Args:
            path: path below the endpoint of the service.
            parameters: names and values of the query, in order.
            accept: media type of the answer.

        Raises:
            SourceError: no answer.
            MissingCredentialsError: the service refuses the login.
        """
        for renewed in (False, True):
            client = self._client()
            try:
                return client.request(
                    "GET", self._endpoint + path, params=parameters, headers={"Accept": accept}
                )
            except SourceAnswerError as error:
                if renewed or not re.search(r"HTTP 40[13]\b", str(error)):
                    raise
                self.log_out()
        raise AssertionError("unreachable")

    def _client(self) -> HttpClient:
        if self._http is not None and time.monotonic() - self._started > TOKEN_LIFETIME_S:
            self.log_out()
        if self._http is None:
            self._http = self._log_in()
            self._started = time.monotonic()
        return self._http

    def _log_in(self) -> HttpClient:
        secrets = (self._login.password.value, self._login.user.value)
        client = self._new_client({}, secrets)
        try:
            response = client.request(
                "POST",
                self._endpoint + "auth/login",
                data={"loginid": self._login.user.value, "password": self._login.password.value},
                headers={"Accept": "text/plain"},
            )
        except SourceAnswerError as error:
            if re.search(r"HTTP 40[013]\b", str(error)):
                raise MissingCredentialsError(
                    "The ICSD web API refuses the login from "
                    f"{self._login.password.found_in}. Check user name, password and API licence."
                ) from None
            raise
        finally:
            client.close()
        token = response.headers.get("ICSD-Auth-Token", "")
        if not token:
            raise MissingCredentialsError(
                "The ICSD web API gave no token for the login from "
                f"{self._login.password.found_in}. Check user name, password and API licence."
            )
        return self._new_client({"ICSD-Auth-Token": token}, (*secrets, token))

    def _new_client(self, headers: dict[str, str], secrets: tuple[str, ...]) -> HttpClient:
        return HttpClient(
            source=NAME,
            policy=self._policy,
            headers=headers,
            secrets=secrets,
            json_answers=False,
            sleep=self._sleep,
        )

    def log_out(self) -> None:
        """End the session; a failure to do so is of no consequence."""
        if self._http is None:
            return
        client, self._http = self._http, None
        try:
            client.request("GET", self._endpoint + "auth/logout", headers={"Accept": "text/plain"})
        except SourceError:
            pass  # the token ends by itself
        finally:
            client.close()


def cif_entries(data: bytes) -> Iterator[RawEntry | Rejection]:
    """The blocks of a text of many CIFs, as raw entries named by their block."""
    stream = BoundedStream(io.BytesIO(data), stored_bytes=None, limits=DEFAULT_LIMITS)
    try:
        for part in split("cif", stream, DEFAULT_LIMITS):
            if part.problem is not None:
                yield rejection("icsd", part.part, part.problem.reason, part.problem.message)
            else:
                yield RawEntry(
                    source="icsd", source_id=part.part, format=part.format, text=part.text
                )
    except ReadProblem as problem:
        yield rejection("icsd", "(batch)", problem.reason, problem.message)
