"""HTTP for every source that talks to a server."""
