"""Proofs about the components of :mod:`rtl` for all inputs and for all time: harnesses, solvers, wrong versions."""
