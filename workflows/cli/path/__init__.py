"""``dualion path``: the command and what it shows."""
