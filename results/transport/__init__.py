"""Tables, figures and documents of a finished transport analysis."""
