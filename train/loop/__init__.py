"""One run of training: its settings, its steps, its checkpoint."""
