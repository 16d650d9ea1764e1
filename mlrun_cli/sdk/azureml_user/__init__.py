"""The package that entry scripts of a ParallelRunStep import."""
