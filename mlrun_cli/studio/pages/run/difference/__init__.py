"""The difference of a source file between two runs."""
