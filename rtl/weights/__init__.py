"""Weights made on chip: masks and rings read, signs regenerated, both expanded to what a PE is told."""
