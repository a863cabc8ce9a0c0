"""The only process that serves HTTP: pages, API and the live stream."""
