"""平战结合: which mode an area is in, who put it there, and what that does to limits."""
