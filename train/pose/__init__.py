"""Human poses: stacked hourglass networks, their data and their measure."""
