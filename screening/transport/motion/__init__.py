"""How ions move: jumps, rotation, densities, pathlines, van Hove functions, structure."""
