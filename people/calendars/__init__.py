"""工作日历: which days count as workdays, by year and town, in numbered editions."""
