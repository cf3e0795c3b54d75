"""DCD: the container, and what each writer means by it."""
