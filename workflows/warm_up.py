"""``python -m workflows.warm_up``: fill numba's cache of this node before workers start."""

from __future__ import annotations

from workflows.executor import warm_up

if __name__ == "__main__":
    warm_up()
