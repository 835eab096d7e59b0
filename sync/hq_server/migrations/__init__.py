"""HQ's migrations, forward only. `python scripts/hq_migration.py NAME` writes the next one from the difference to the tables."""
