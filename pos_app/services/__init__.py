"""Use cases, one verb a file. They decide, the store commits, devices follow."""
