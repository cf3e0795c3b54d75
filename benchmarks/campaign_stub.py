"""A stub in place of the physics, with a realistic distribution of costs, for campaign_scale.py."""

from __future__ import annotations

import hashlib
import math
import os
import time

from dualion.workflows.campaign.tasks import Job, Outcome, pair_key, task_key

MEASURED = 0.70
"""Median of measured over estimated time, 1,000 structures on one core of a quiet machine."""

SPREAD = 0.33
"""Standard deviation of the logarithm of that ratio."""


def stub(job: Job) -> Outcome:
    """Two rows with made-up barriers, after the time that the structure would have taken.

    The time is the cost model's estimate with the scatter that was measured around it, times
    ``DUALION_STUB_SCALE``; the scatter is fixed by the structure's name. The stub sleeps: its
    workers stand for cores elsewhere, and leave this machine to the driver.
    """
    draw = hashlib.sha256(job.entry.source_id.encode()).digest()
    uniform = [(int.from_bytes(draw[i : i + 4], "big") + 0.5) / 2**32 for i in (0, 4)]
    normal = math.sqrt(-2.0 * math.log(uniform[0])) * math.cos(2.0 * math.pi * uniform[1])
    scale = float(os.environ.get("DUALION_STUB_SCALE", "0"))
    seconds = scale * job.cost_s * MEASURED * math.exp(SPREAD * normal)
    if seconds:
        time.sleep(seconds)
    key = task_key(job.entry, job.options)
    rows = [_row(job, anion, key, uniform, seconds) for anion in ("O", "P")]
    return Outcome(index=job.index, stage="done", rows=rows, cations=("Li",), anions=("O", "P"))


def _row(job: Job, anion: str, key: str, uniform: list[float], seconds: float) -> dict:
    barriers = {
        f"e{n}d_{ion}{region}_ev": (0.2 + uniform[i]) * n
        for n in (1, 2, 3)
        for i, ion in enumerate(("cation", "anion"))
        for region in ("", "_region")
    }
    return {
        "source": job.entry.source,
        "source_id": job.entry.source_id,
        "formula": "Li12P4O16",
        "reduced_formula": "Li3PO4",
        "space_group": "Pnma",
        "n_sites": 32,
        "disordered": False,
        "cation": "Li+",
        "anion": f"{anion}2-",
        "status": "ok",
        "reason": None,
        **barriers,
        "anion_bound": True,
        "anion_bound_fraction": 1.0,
        "flags": "anion_bound",
        "oxidation_method": "bond_valence",
        "occupancy_handling": "full",
        "parameters": "tabulated",
        "seconds": seconds,
        "key": pair_key(key, "Li+", f"{anion}2-"),
    }
