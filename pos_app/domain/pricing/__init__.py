"""What a basket costs, and why: the only place where money is computed. `engine.price` answers, `model` holds the values."""
