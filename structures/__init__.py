"""Where crystals come from and how they are made ready for the physics."""

from __future__ import annotations
