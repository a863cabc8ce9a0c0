"""登录与权限: proving who somebody is, and which doors that opens."""
