"""Reads a page's table back: written apart from the packing, from its description alone."""

from __future__ import annotations

import base64
import gzip
import json
import math
import re

import numpy as np


def block_of(page, name):
    """The bytes of a block of a page."""
    text = re.search(rf'id="block-{name}">([^<]*)</script>', page).group(1)
    return gzip.decompress(base64.b64decode(text))


def head_of(block):
    """The JSON head of a block."""
    return json.loads(block[4 : 4 + int.from_bytes(block[:4], "little")])


def table_of(page):
    """Texts of every cell of the page's table, by column."""
    block = block_of(page, "table")
    head = head_of(block)
    start = 4 + int.from_bytes(block[:4], "little")
    places = [head["sections"][note["key"]] for note in head["columns"]]
    parts = [block[start + offset : start + offset + size] for offset, size in places]
    return unpacked(head["columns"], parts, head["n"])


def unpacked(notes, parts, n):
    """Texts of all cells of packed columns."""
    integers, texts = {}, {}
    for note, part in zip(notes, parts, strict=True):
        if note["kind"] in ("number", "integer"):
            texts[note["key"]], integers[note["key"]] = numbers(note, part, n, integers)
        else:
            size = int.from_bytes(part[:4], "little")
            known = json.loads(part[4 : 4 + size])
            steps = [unzigzag(code) for code in planes(part[4 + size :], n)]
            texts[note["key"]] = [known[place] for place in np.cumsum(steps)] if n else []
    return texts


def planes(part, n):
    return [sum(part[plane * n + i] << (8 * plane) for plane in range(4)) for i in range(n)]


def unzigzag(code):
    return -(code + 1) // 2 if code % 2 else code // 2


def numbers(note, part, n, earlier):
    codes = json.loads(part) if note.get("packing") == "json" else planes(part, n)
    texts, integers = [], []
    for i, code in enumerate(codes):
        if code < 2:
            texts.append("inf" if code else "")
            integers.append(None)
            continue
        by = [earlier[key][i] for key in note.get("by", ())]
        integers.append(unzigzag(code - 2) + expected(by))
        whole = f"{abs(integers[-1]):0{note['decimals'] + 1}d}"
        cut = len(whole) - note["decimals"]
        sign = "-" if integers[-1] < 0 else ""
        texts.append(sign + (f"{whole[:cut]}.{whole[cut:]}" if note["decimals"] else whole))
    return texts, integers


def expected(by):
    if len(by) == 1:
        return by[0] or 0
    if len(by) == 2 and None not in by and by[1] > 0:
        return math.floor(by[0] * 1e6 / by[1] + 0.5)
    return 0
