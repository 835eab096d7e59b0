"""The demo shop: its goods, its made-up people, and a seeded day that sells without a terminal."""
