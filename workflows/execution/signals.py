"""Ctrl-C, a lost terminal and the batch system's SIGTERM as a request to finish, not as an end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """An event that SIGINT, SIGTERM or SIGHUP sets; the second signal interrupts at once.

    A SIGHUP that is ignored already (``nohup``) stays ignored, and a further one is no second
    signal: a lost terminal sends several. Outside of the main thread signals cannot be taken; the
    event then stays unset.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set() and number != hang_up:
            raise KeyboardInterrupt
        stop.set()

    hang_up = getattr(signal, "SIGHUP", None)
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN:
        numbers.append(hang_up)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
