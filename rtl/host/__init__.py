"""What the host sees: registers, packets in, frames out, cycle counters, the AXI signatures."""
