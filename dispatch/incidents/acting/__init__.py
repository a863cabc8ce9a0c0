"""办理: every action on a case, one step of the table at a time."""
