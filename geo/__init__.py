"""Where things are: the three-level grid (三级网格), frames, locating, boundaries."""
