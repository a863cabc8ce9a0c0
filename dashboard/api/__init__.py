"""The public HTTP interface: each file one router, parsing and answering, deciding nothing."""
