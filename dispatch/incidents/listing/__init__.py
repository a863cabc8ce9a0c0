"""清单与数字: what screens, lists and foreign clients read of many cases at once."""
