"""The plots of docs, from the results in ``docs/results``."""
