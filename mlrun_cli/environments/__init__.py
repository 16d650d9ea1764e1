"""The Python environments of runs: planned at submission, built once and shared by all runs that need them."""
