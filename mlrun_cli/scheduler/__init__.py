"""Programs that start what waits: dispatchers and the fork server."""
