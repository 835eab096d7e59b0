"""The rules of a shop: pure functions and values, standard library alone."""
