"""What happens when: the sequencer of commands, the walks over addresses, results and pools, the engine around them."""
