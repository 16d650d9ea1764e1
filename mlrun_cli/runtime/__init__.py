"""What keeps runs true: liveness, journal ingestion, ends of runs, queues and sessions."""
