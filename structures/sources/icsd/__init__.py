"""The ICSD: its web API and what its entries say."""
