"""Who and when: units, staff, posts, accounts, the rota (领导轮值), what each post owes (待办)."""
