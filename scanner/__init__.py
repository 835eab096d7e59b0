"""Signals into codes, and codes into meaning. Nothing here sells."""
