"""What is claimed of each wing: a component of :mod:`rtl` as it is, free inputs, assumptions and assertions."""
