"""What people touch, and the rules of the shop."""

__version__ = "0.1.0"
