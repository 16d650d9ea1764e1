"""The truth about runs: liveness, journal ingestion, ends of runs, queues and sessions."""
