"""One block of a report: JSON and binary sections, gzipped, as text for a script tag."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any


def block(content: Mapping[str, Any], sections: Mapping[str, bytes]) -> str:
    """Pack a head and binary sections: base64 of the gzip of head length, head, sections.

    The head is JSON: ``content``, and under ``sections`` the offset and length of each.

    Args:
        content: plain data of the head.
        sections: binary sections by name.
    """
    places, offset = {}, 0
    for name, part in sections.items():
        places[name] = [offset, len(part)]
        offset += len(part)
    head = json.dumps({**content, "sections": places}, allow_nan=False).encode("ascii")
    whole = len(head).to_bytes(4, "little") + head + b"".join(sections.values())
    return base64.b64encode(gzip.compress(whole, 9, mtime=0)).decode("ascii")


def text_block(text: str) -> str:
    """Pack a text: base64 of its gzip."""
    return base64.b64encode(gzip.compress(text.encode("utf-8"), 9, mtime=0)).decode("ascii")
