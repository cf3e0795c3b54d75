"""Guest anions: one ion more in a complete host, as the published mechanism has it."""
