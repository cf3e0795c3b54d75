"""Worker processes that tests share: to start them costs seconds, and most tests do not look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from dualion.workflows.campaign import driver
from dualion.workflows.execution import workers

Borrow = Callable[[], AbstractContextManager[None]]


@pytest.fixture(scope="session")
def worker_processes() -> Iterator[Any]:
    """A client of two workers that last for the session."""
    with workers.local_client(2) as client:
        yield client


@pytest.fixture(scope="session")
def borrow_workers(worker_processes: Any) -> Borrow:
    """Within this context runs and campaigns use the session's workers instead of their own."""

    @contextmanager
    def for_a_campaign(*_: object, **__: object) -> Iterator[tuple[Any, str]]:
        yield worker_processes, ""

    @contextmanager
    def borrowed() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(driver, "campaign_client", for_a_campaign)
            yield

    return borrowed


@pytest.fixture
def shared_workers(borrow_workers: Borrow) -> Iterator[None]:
    """The test's runs and campaigns use the session's workers."""
    with borrow_workers():
        yield
