"""Planning of MD runs: selection, cells, protocol, specifications."""
