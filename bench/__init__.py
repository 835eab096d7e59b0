"""Figures beside their baselines. Nothing here is a test: a missed aim is said, never asserted (see docs/benchmarks.md)."""
