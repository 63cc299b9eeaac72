"""Tests, the fuzzing of everything that comes from outside, mutants and coverage.

This file makes the folder a package, which packages of the same name that others install cannot hide.
"""
