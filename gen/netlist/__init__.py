"""Passes over a netlist that make plain Verilog of it. They run in a process of their own, beside Yosys."""
