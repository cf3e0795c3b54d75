"""One block of a report: JSON and binary sections, gzipped, as text for a script tag."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any


def block(content: Mapping[str, Any], sections: Mapping[str, bytes]) -> str:
    """Base64 of the gzip of: length of the head, the head, the sections.

    The head is JSON: ``content``, and under ``sections`` the offset and length of each.
    """
    places, offset = {}, 0
    for name, part in sections.items():
        places[name] = [offset, len(part)]
        offset += len(part)
    head = json.dumps({**content, "sections": places}, allow_nan=False).encode("ascii")
    whole = len(head).to_bytes(4, "little") + head + b"".join(sections.values())
    return base64.b64encode(gzip.compress(whole, 9, mtime=0)).decode("ascii")


def text_block(text: str) -> str:
    """Base64 of the gzip of a text."""
    return base64.b64encode(gzip.compress(text.encode("utf-8"), 9, mtime=0)).decode("ascii")
