"""Tables of runs: their columns and rows, and the state of a page in its URL."""
