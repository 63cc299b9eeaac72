"""Runs the Verilog in Verilator through cocotb and compares every stored activation."""
