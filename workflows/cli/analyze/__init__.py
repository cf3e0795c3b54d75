"""``dualion analyze``: the command and what it shows."""
