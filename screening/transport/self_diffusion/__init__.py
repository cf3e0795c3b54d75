"""Mean squared displacements and self-diffusion coefficients with their errors."""
