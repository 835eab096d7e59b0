"""The wire between a shop and headquarters: facts go up, topics come down, and both ends prove that they hold the same."""
