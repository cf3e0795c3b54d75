"""Fill numba's cache of this node before workers start; run with ``python -m``."""

from __future__ import annotations

from dualion.workflows.execution.executor import warm_up

if __name__ == "__main__":
    warm_up()
