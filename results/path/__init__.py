"""Migration paths and fields as figures and files."""
