"""The comparison of runs side by side."""
