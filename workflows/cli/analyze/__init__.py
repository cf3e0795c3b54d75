"""``dualion analyze``: the command and its options."""
