"""From floating point to integers: scales, entries, and the deployed network they make."""
