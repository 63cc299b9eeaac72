"""Coverage: what of the Python, of the Verilog and of the features was met by tests, and why the rest was not."""
