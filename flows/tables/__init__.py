"""The tables of README and docs, from the results in ``docs/results``."""
