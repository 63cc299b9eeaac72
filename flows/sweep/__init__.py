"""Which build for a network: every shape that fits a part, with its exact cycles and its estimated area."""
