"""Campaigns: the command line, the workers, the queue."""

from __future__ import annotations
