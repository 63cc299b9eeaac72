"""Equilibrium models: networks whose features are the fixed point of a block."""
