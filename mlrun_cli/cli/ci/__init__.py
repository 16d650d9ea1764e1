"""Output for the CI system that runs a command: groups, annotations and summaries."""
