"""``dualion dope``: the command and what it shows."""
