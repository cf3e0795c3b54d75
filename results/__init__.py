"""Columns, rows, tables, figures: what a screening leaves behind."""

from __future__ import annotations
