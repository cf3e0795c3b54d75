"""The command ``dualion neb``."""
