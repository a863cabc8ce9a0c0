"""Who and when: units, staff, posts, accounts, the duty rota (领导轮值) and what each post owes (待办)."""
