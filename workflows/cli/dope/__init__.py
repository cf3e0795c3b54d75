"""``dualion dope``: the command and its view."""
