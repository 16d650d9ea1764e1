"""The published pipelines, with their graphs, runs and schedules."""
