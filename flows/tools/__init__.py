"""What flows share: running tools, Yosys, the parts that builds are for."""
