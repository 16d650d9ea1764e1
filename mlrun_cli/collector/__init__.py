"""The collector of a target with an engine: it stores what the supervisors on nodes have written."""
