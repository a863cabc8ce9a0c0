"""重算: what a new calendar, catalogue or mode does to the clocks of open cases."""
