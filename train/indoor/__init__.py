"""Depth and surface normals of rooms: an encoder-decoder that is run again, its data and its measures."""
