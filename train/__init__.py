"""Trains hidden-fold networks and exports them for hardware. torch lives here and nowhere else."""
