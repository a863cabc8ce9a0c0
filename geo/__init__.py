"""Where things are: the three-level grid (三级网格), frames of coordinates, locating, boundaries."""
