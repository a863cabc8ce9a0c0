"""后续: what a committed change or a timer brings about."""
