"""Printed papers of a case (打印文书): 交办单 to who must handle, 督办单 to who is late."""
