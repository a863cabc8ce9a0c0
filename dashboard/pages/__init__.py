"""Pages of the wall and the desk; a callback reads and draws, nothing else."""
