"""The Python environments of runs: planned at submit, built once, shared by all runs that need the same."""
