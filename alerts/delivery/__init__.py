"""Every message to anyone: who is told, on which channel, and the proof that it arrived."""
