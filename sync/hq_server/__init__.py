"""The reference HQ: stores the events of every shop, publishes topics, proves equality. In a shop it is the store hub."""
