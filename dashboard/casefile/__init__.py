"""案卷: one case whole, as its own page tells it; what is judged here draws nothing."""
