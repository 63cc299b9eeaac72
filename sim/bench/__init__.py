"""cocotb tests: modules that run inside the simulator. `sim.verilator` starts them."""
