"""Machine-learned potentials: cards, loading, several cells at once, other environments."""
