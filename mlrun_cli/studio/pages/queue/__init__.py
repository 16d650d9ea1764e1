"""The compute targets and their queues."""
