"""Physics as pure functions from arrays to frozen dataclasses: no files, no network, no clock."""
