"""Output for the CI system in whose job a command runs: groups, annotations and summaries."""
