"""mp-api's summary client over a polite session; its errors become ours, and no key leaves it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

from dualion.structures.sources.errors import (
    SourceAnswerError,
    SourceError,
    SourceUnavailableError,
    redact,
)
from dualion.structures.sources.http.session import HttpClient, HttpPolicy
from dualion.structures.sources.secrets import Secret

NAME = "materials_project"
ENDPOINT = "https://api.materialsproject.org/"
PAGE = 1000
"""Documents in one page of a search, the service's largest."""


class SummaryClient:
    """mp-api's summary and its errors, over a polite session; the key never leaves it."""

    def __init__(
        self,
        *,
        key: Secret,
        endpoint: str,
        policy: HttpPolicy,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._secrets = (key.value,)
        self._http = HttpClient(
            source=NAME,
            policy=policy,
            headers={"x-api-key": key.value},
            secrets=self._secrets,
            sleep=sleep,
        )
        heartbeat = self._http.get_json(endpoint + "heartbeat")
        if not isinstance(heartbeat, dict):
            raise SourceAnswerError(
                f"{NAME}: {endpoint} does not answer like the Materials Project. Check the address."
            )
        self._rester = _summary_rester()(
            api_key=key.value,
            endpoint=endpoint,
            session=self._http.session,
            use_document_model=False,
            mute_progress_bars=True,
            timeout=int(policy.total_timeout_s),
        )

    def search(self, criteria: dict[str, Any], fields: tuple[str, ...]) -> list[dict[str, Any]]:
        """Fetch all documents that fit.

        Args:
            criteria: names and values of the filters of the summary endpoint.
            fields: names of the fields to fetch.

        Raises:
            SourceError: they cannot be had.
        """
        from mp_api.client.core.exceptions import MPRestError

        try:
            rows = self._rester.search(
                **criteria, fields=list(fields), all_fields=False, chunk_size=PAGE
            )
        except SourceError:
            raise
        except MPRestError as error:
            raise self._explained(str(error)) from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SourceAnswerError(
                f"{NAME}: the answer is not of the documented shape "
                f"({type(error).__name__}: {redact(error, self._secrets)[:120]}). Update mp-api "
                "or try again later."
            ) from None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise SourceAnswerError(f"{NAME}: the answer is no list of documents. Update mp-api.")
        return rows

    def _explained(self, message: str) -> SourceError:
        if "status code 401" in message or "status code 403" in message:
            return SourceUnavailableError(
                f"{NAME} refuses the API key. Get a new one at "
                "https://next-gen.materialsproject.org/api and set MP_API_KEY."
            )
        return SourceAnswerError(
            f"{NAME} refuses the request ({redact(message, self._secrets)}). Check the query."
        )

    def close(self) -> None:
        self._http.close()


@lru_cache(maxsize=1)
def _summary_rester() -> Any:
    """mp-api's summary client, whose construction sends no request of its own.

    The heartbeat was asked for by then, with limits; the client's own call has none. The names of
    the fields are kept: the client would derive them from its schema anew for each field of
    every request, and that takes longer than the request.
    """
    from mp_api.client.routes.materials.summary import SummaryRester

    class QuietSummaryRester(SummaryRester):  # type: ignore[misc]
        available_fields = cached_property(SummaryRester.available_fields.fget)

        @staticmethod
        def _get_heartbeat_info(endpoint: str) -> tuple[str, list[str]]:
            return "", []

    return QuietSummaryRester
