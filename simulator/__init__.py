"""A day in the county (县里的一天), played through the public HTTP API only."""
