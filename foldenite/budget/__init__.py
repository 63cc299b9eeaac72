"""Which mask for which budget: accuracy against bytes and against cycles, by mode, width and fold count."""
