"""Passes over a netlist that make plain Verilog of it. They run in a process of their own, beside Yosys."""

__all__ = ["ALL_NAMES", "WRITER"]

WRITER = "gen.netlist.write"  #: The module to run.
ALL_NAMES = "--all-names"  #: Its option: keep every name of a signal, in every module that it passes through.
