"""Programs that start queued runs: dispatchers and the fork server."""
