"""The vocabulary: frozen values that every other package speaks. Standard library and numpy only."""
