"""Any provider of OPTIMADE."""
