"""人员与单位: who works where, how they are reached, and what an administrator edits."""
