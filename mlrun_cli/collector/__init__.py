"""The collector of a target with an engine, which stores what supervisors on nodes have written."""
