"""Benchmarks: ratios and counts, measured in one run."""
