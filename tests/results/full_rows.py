"""Rows in which every column of the tables holds something, whatever columns there are."""

from __future__ import annotations

import numpy as np

from dualion.results.columns import CANDIDATES, SCREENED


def full_row(random, number, columns=CANDIDATES):
    """A row with a value of its kind in every column, numbers over the digits that it keeps."""
    row = {}
    for column in columns:
        if column.kind == "truth":
            row[column.key] = bool(random.integers(2))
        elif column.kind == "integer":
            row[column.key] = int(random.integers(0, 5000))
        elif column.kind == "number":
            exponent = random.uniform(-column.decimals, 1.0)
            row[column.key] = round(float(10.0**exponent), column.decimals)
        else:
            row[column.key] = f"{column.key} {number}"
    return row | {"source_id": f"structure {number}", "status": "ok", "dai": number % 2 == 0}


def full_tables(count=12, seed=0):
    """Rows of ``screened.csv`` and of ``candidates.csv``, of one run."""
    random = np.random.default_rng(seed)
    whole = [full_row(random, number) for number in range(count)]
    screened = [{column.key: row[column.key] for column in SCREENED} for row in whole]
    passing = [row | {"rank": rank} for rank, row in enumerate(whole[::2], start=1)]
    return screened, passing
