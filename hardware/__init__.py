"""Drawers and printers behind small protocols; the simulators are drivers like any other."""
