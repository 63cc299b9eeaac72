"""What a build would cost in silicon: an estimate of area and of energy per image, before any layout."""
