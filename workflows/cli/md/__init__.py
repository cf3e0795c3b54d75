"""``dualion md``: the command and what it shows."""
