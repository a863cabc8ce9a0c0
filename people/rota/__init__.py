"""领导轮值: who holds a post, when, and how it changes hands."""
