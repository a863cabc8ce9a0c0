"""群众: what citizens are told, answer and are asked; what reception sees of callers."""
