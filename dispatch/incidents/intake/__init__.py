"""上报: the one door through which every report comes in."""
