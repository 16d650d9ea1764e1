"""The Python environments of runs, which are planned at submission, built once and shared between runs."""
