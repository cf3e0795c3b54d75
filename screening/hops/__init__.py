"""Ions that hop from site to site: hop networks and the mechanisms that use them."""
