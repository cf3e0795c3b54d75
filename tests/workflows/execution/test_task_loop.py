"""What becomes of a task whose result is lost on its way."""

from __future__ import annotations

from concurrent.futures import CancelledError

import pytest

from dualion.workflows.execution.task_loop import ClusterLostError, Task, TaskLoop


class Lost:
    """A future that was finished when it was looked at, and whose connection is gone now."""

    status = "finished"

    def result(self) -> None:
        raise CancelledError("scheduler-connection-lost")

    def release(self) -> None:
        """Nothing is held."""

    def add_done_callback(self, _: object) -> None:
        """Nothing comes of it."""


class Client:
    """A client whose scheduler is there, or not."""

    def __init__(self, status: str) -> None:
        self.status, self.sent = status, []

    def submit(self, function, *arguments, **_):  # type: ignore[no-untyped-def]
        self.sent.append((function, arguments))
        return Lost()


def landed(client: Client) -> list[object]:
    loop = TaskLoop(client)  # type: ignore[arg-type]
    task, future = Task(function=len, arguments=("a",)), Lost()
    loop._sent[future] = (task, 0)  # type: ignore[index]
    return list(loop._land(future))  # type: ignore[arg-type]


def test_a_result_whose_connection_is_lost_is_not_a_fault_of_the_program() -> None:
    with pytest.raises(ClusterLostError, match="connection to the Dask scheduler is lost"):
        landed(Client("closed"))


def test_a_result_that_is_lost_while_the_scheduler_answers_is_sent_for_again() -> None:
    client = Client("running")
    assert landed(client) == []
    assert client.sent == [(len, ("a",))]
