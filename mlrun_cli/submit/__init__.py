"""The submission of a run: resolve the request, take the snapshot, record the run and start it."""
