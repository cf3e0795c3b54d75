"""How many threads a process may start: the names of the variables stand here alone."""

from __future__ import annotations

import os
import sys

KERNEL_THREADS = "NUMBA_NUM_THREADS"
"""Threads of this program's own kernels, which are serial: one, whatever a job has."""

LIBRARY_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Threads of linear algebra, of torch and of programs with OpenMP."""


def thread_environment(threads: int) -> dict[str, str]:
    """Variables that keep a process and its libraries to a number of threads.

    Args:
        threads: of the libraries; this program's own kernels keep to one.
    """
    return {**dict.fromkeys(LIBRARY_THREADS, str(threads)), KERNEL_THREADS: "1"}


def limit_threads(threads: int) -> None:
    """Limit the libraries of this process, and of those that it starts; several share a machine.

    Args:
        threads: of the libraries.
    """
    os.environ.update(dict.fromkeys(LIBRARY_THREADS, str(threads)))  # numba refuses a change
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
