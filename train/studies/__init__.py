"""Comparisons and tables of both papers, each one command."""
