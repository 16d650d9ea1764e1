"""The actual state of runs: liveness, journal ingestion, ends of runs, queues and sessions."""
