"""Collective transport: conductivity, Onsager coefficients, transport numbers."""
