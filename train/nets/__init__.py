"""Networks in floating point: masks over frozen weights, rings, batch norms per iteration."""
