"""What entry scripts of a ParallelRunStep import."""
