"""The command line: one file a command; views stand beside their command."""
