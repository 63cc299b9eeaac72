"""Measurements: benchmarks and reports."""
