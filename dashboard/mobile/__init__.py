"""轻页面: pages drawn by the server, for phones on a bad line and for the reception window."""
