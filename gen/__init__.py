"""Compiles a network to a program and memory image, and emits the Verilog."""
